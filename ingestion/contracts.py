"""Landing contracts: the shape of a batch, and how many of its values are not what they should be.

pandera checks the batch's rows inside DuckDB (its ibis backend), before they are committed. What
fails is counted in raw._contracts and logged; the rows stay, for dbt judges rows. Only a shape that
cannot be right, such as a key that is empty in every row, refuses the batch.
"""

from __future__ import annotations

import duckdb

from ingestion.ledger import Load
from recomart.shop import Source


def check(
    connection: duckdb.DuckDBPyConnection, entity: str, source: Source, load: Load, records: int
) -> None:
    """Check the rows of a batch that is about to be committed."""
