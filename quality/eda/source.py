"""What the plots read: marts in the warehouse and published features; large tables are sampled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import duckdb

from feature_store.bitemporal import as_now_known
from recomart.errors import NotReady
from recomart.settings import Settings
from recomart.sql import literal

MOST_ROWS = 1_000_000
"""A table with more rows is sampled."""
SEED = "recomart-eda-1"
PARTS = 1_000_000
INTERACTIONS = "(select * from marts.fct_interactions where kind <> 'impression')"
"""What users did. An impression is left out, because the shop makes it."""


@dataclass(frozen=True)
class Sample:
    """Rows of a table: all, or those of a share of its keys.

    Args:
        sql: what to select from.
        rows: in the sample.
        of: rows in the table.
        condition: on `key`, for the same share of another table with that key; "true" for all.
    """

    sql: str
    rows: int
    of: int
    condition: str = "true"

    @property
    def sampled(self) -> bool:
        return self.rows < self.of

    @property
    def factor(self) -> float:
        """What a count in the sample is multiplied by to estimate the whole."""
        return self.of / self.rows if self.rows else 1.0


class Source:
    """Read-only queries on a transformed warehouse.

    Args:
        most_rows: a table with more is sampled.

    Raises:
        NotReady: there are no marts yet.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self.connection = connection
        self.published = settings.current_features
        self.most_rows = most_rows
        self._samples: dict[tuple[str, str], Sample] = {}
        tables = {row[0] for row in self.rows("select table_name from information_schema.tables")}
        if not tables >= {"fct_interactions", "dim_shop", "dim_users", "dim_products"}:
            raise NotReady(
                "there is nothing to draw: no data was transformed yet",
                help="run 'recomart transform' first",
            )
        self._has_account = "dq_reconciliation" in tables
        shop = self.rows("select title, currency, as_of, first_activity_at from marts.dim_shop")[0]
        self.title, self.currency, self.as_of, self.first_activity_at = shop

    def state(self) -> str | None:
        """A digest of what the pictures depend on: equal states give equal pictures. None when the
        warehouse has no account of its records."""
        if not self._has_account:
            return None
        account = self.rows(
            "select entity, count(*), sum(accepted), max(batch_id)"
            " from quality.dq_reconciliation group by entity order by entity"
        )
        shop = [self.title, self.currency, str(self.as_of)]
        return json.dumps([self.published.resolve().name, self.most_rows, shop, account])

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, list(parameters)).fetchall()

    def columns(self, sql: str, *parameters: object) -> dict[str, Any]:
        """The result by column, each a numpy array."""
        return self.connection.execute(sql, list(parameters)).fetchnumpy()

    def count(self, relation: str, condition: str = "true") -> int:
        return int(self.rows(f"select count(*) from {relation} where {condition}")[0][0])

    def features(self, model: str, key: str) -> str:
        """A published feature history as it is known now; before the first publish, the table."""
        path = self.published / f"{model}.parquet"
        if not path.exists():
            return f"features.{model}"
        return as_now_known(f"read_parquet({literal(path)})", [key])

    def interactions(self, key: str) -> Sample:
        """What users did, sampled by `user_id` or `product_id`: all rows of a key, or none."""
        return self.sample(INTERACTIONS, key)

    def sample(self, relation: str, key: str) -> Sample:
        """All rows, or those of the keys with a low hash: the same ones every time."""
        if (relation, key) not in self._samples:
            self._samples[relation, key] = self._sample(relation, key)
        return self._samples[relation, key]

    def _sample(self, relation: str, key: str) -> Sample:
        of = self.count(relation)
        if of <= self.most_rows:
            return Sample(relation, of, of)
        parts = int(self.most_rows / of * PARTS)
        condition = f"md5_number_lower({key} || {literal(SEED)}) % {PARTS} < {parts}"
        name = f"eda_sample_{len(self._samples)}"
        self.connection.execute(
            f"create or replace temp table {name} as select * from {relation} where {condition}"
        )
        return Sample(name, self.count(name), of, condition)
