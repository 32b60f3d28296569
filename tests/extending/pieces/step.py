"""The most popular products of the published features, as a CSV file."""

from __future__ import annotations

import duckdb

from recomart.settings import Settings
from recomart.sql import literal
from recomart.step import StepResult


def write_popular(settings: Settings, limit: int) -> StepResult:
    """Write `<lake>/popular.csv`: the products with the most users, most popular first.

    Args:
        limit: the number of products.
    """
    source = settings.current_features / "fct_user_products.parquet"
    target = settings.lake / "popular.csv"
    found = duckdb.execute(
        f"copy (select product_id, count(distinct user_id) as users from read_parquet(?)"
        f" group by all order by users desc, product_id limit ?) to {literal(target)} (header)",
        [str(source), limit],
    ).fetchone()
    return StepResult(found[0] if found else 0, "products", str(target))
