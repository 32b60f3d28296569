"""A warehouse with the feature tables that dbt would have built, small and under our control."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

import feature_store  # noqa: F401  # before any test imports Feast: it leaves out typeguard's checks
from recomart import processes
from recomart.settings import Settings, load_settings

COUNT, MONEY, NUMBER, TIME, TEXT = "bigint", "decimal(18,4)", "double", "timestamp", "varchar"

USER_COLUMNS = {
    "user_id": TEXT,
    "event_timestamp": TIME,
    "created_at": TIME,
    **{
        f"user_{what}_{days}d": COUNT
        for what in ("interactions", "views", "carts", "purchases")
        for days in (7, 30, 90)
    },
    "user_ratings_count": COUNT,
    "user_ratings_sum": MONEY,
    "user_ratings_sum_sq": MONEY,
    "user_spend_90d": MONEY,
    "user_orders_90d": COUNT,
    "user_categories_90d": COUNT,
    "user_last_activity_at": TIME,
    "user_signed_up_at": TIME,
}
PRODUCT_COLUMNS = {
    "product_id": TEXT,
    "event_timestamp": TIME,
    "created_at": TIME,
    **{
        f"product_{what}_{days}d": COUNT
        for what in ("views", "carts", "purchases")
        for days in (7, 30)
    },
    "product_ratings_count": COUNT,
    "product_ratings_sum": MONEY,
    "product_category": TEXT,
    "product_price": MONEY,
    "product_price_percentile": NUMBER,
    "product_first_seen_at": TIME,
}
USER_CATEGORY_COLUMNS = {
    "user_id": TEXT,
    "category": TEXT,
    "event_timestamp": TIME,
    "created_at": TIME,
    "user_category_interactions_90d": COUNT,
    "user_category_spend_90d": MONEY,
}
SHOP_COLUMNS = {
    "name": TEXT,
    "as_of": TIME,
    "rating_min": NUMBER,
    "rating_max": NUMBER,
    "relevant_rating": NUMBER,
    "prior_rating": NUMBER,
    "prior_weight": NUMBER,
    "repeat_purchases": "boolean",
    "has_ratings": "boolean",
    "currency": TEXT,
}
TABLES: dict[str, tuple[str, dict[str, str], list[str], list[str]]] = {
    "ftr_users": ("features", USER_COLUMNS, ["user_id", "event_timestamp"], ["user"]),
    "ftr_products": ("features", PRODUCT_COLUMNS, ["product_id", "event_timestamp"], ["product"]),
    "ftr_user_categories": (
        "features",
        USER_CATEGORY_COLUMNS,
        ["user_id", "category", "event_timestamp"],
        ["user", "category"],
    ),
    "dim_shop": ("marts", SHOP_COLUMNS, ["name"], []),
}


class FeatureWarehouse:
    """The warehouse of a lake after `dbt build`, with the rows that a test wants."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._runs = 0
        self._connection: duckdb.DuckDBPyConnection | None = None
        settings.lake.mkdir(parents=True, exist_ok=True)
        if not settings.warehouse.exists():
            with self.held_open():
                self._create()
        self.write_manifest()

    def copy_to(self, settings: Settings) -> FeatureWarehouse:
        """The same warehouse in another lake."""
        settings.lake.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.settings.warehouse, settings.warehouse)
        copy = FeatureWarehouse(settings)
        copy._runs = self._runs
        return copy

    def _create(self) -> None:
        for schema in ("raw", "features", "marts", "quality"):
            self.execute(f"create schema if not exists {schema}")
        for name, (schema, columns, _, _) in TABLES.items():
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            self.execute(f"create table {schema}.{name} ({listed})")
        self.execute(
            "create table quality.dbt_runs (invocation_id varchar, command varchar, "
            "complete boolean, started_at timestamp, finished_at timestamp, failures bigint)"
        )
        self.execute(
            "create table quality.dq_reconciliation "
            "(batch_id varchar, status varchar, records bigint, accepted bigint)"
        )
        self.execute(
            "create table raw._loads (batch_id varchar, entity varchar, source varchar, "
            "source_file varchar, landed_file varchar, sha256 varchar)"
        )

    def load(
        self, batch_id: str, records: int = 10, *, built: bool = True, status: str = "loaded"
    ) -> None:
        """A batch in the ledger and, unless it came after the build, in dbt's account."""
        file = f"{int(batch_id)}.csv"
        self.execute(
            "insert into raw._loads values (?, 'events', 'files', ?, ?, ?)",
            [batch_id, file, f"raw/files/events/{file}", f"{int(batch_id):064x}"],
        )
        if built:
            self.execute(
                "insert into quality.dq_reconciliation values (?, ?, ?, ?)",
                [batch_id, status, records, records],
            )

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """Run the statements inside in one transaction; publishing could not open the file."""
        self._connection = duckdb.connect(str(self.settings.warehouse))
        self._connection.begin()
        try:
            yield
            self._connection.commit()
        finally:
            self._connection.close()
            self._connection = None

    def execute(self, sql: str, parameters: list[object] | None = None) -> list[tuple]:
        if self._connection:
            return self._connection.execute(sql, parameters or []).fetchall()
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            return connection.execute(sql, parameters or []).fetchall()

    def insert(self, table: str, **values: object) -> None:
        schema = TABLES[table][0]
        if "event_timestamp" in TABLES[table][1]:
            values.setdefault("created_at", values["event_timestamp"])
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        self.execute(
            f"insert into {schema}.{table} ({names}) values ({marks})", list(values.values())
        )

    def set_clock(self, as_of: str) -> None:
        self.execute("delete from marts.dim_shop")
        self.insert(
            "dim_shop",
            name=self.settings.shop_name,
            as_of=datetime.fromisoformat(as_of),
            rating_min=1.0,
            rating_max=5.0,
            relevant_rating=4.0,
            prior_rating=3.0,
            prior_weight=5.0,
            repeat_purchases=False,
            has_ratings=True,
            currency="EUR",
        )

    def record_run(
        self,
        *,
        failures: int = 0,
        command: str = "build",
        complete: bool = True,
        ended: bool = True,
    ) -> None:
        """What dbt's hooks leave in the warehouse."""
        self._runs += 1
        started = datetime(2024, 5, 1, 0, self._runs)
        self.execute(
            "insert into quality.dbt_runs values (?, ?, ?, ?, ?, ?)",
            [
                f"run-{self._runs}",
                command,
                complete,
                started,
                started if ended else None,
                failures if ended else None,
            ],
        )

    def write_manifest(self, without: tuple[str, ...] = ()) -> Path:
        """dbt's manifest, as far as publishing reads it; `without` leaves columns out."""
        nodes = {}
        for name, (schema, columns, order_by, entities) in TABLES.items():
            meta: dict[str, object] = {"publish": {"order_by": order_by}}
            if entities:
                meta["feast"] = {
                    "entities": entities,
                    "stale_after_hours": 48,
                    "services": ["recommendation_v1"],
                }
            nodes[f"model.recomart.{name}"] = {
                "resource_type": "model",
                "name": name,
                "alias": name,
                "schema": schema,
                "description": f"One row per key of {name}.",
                "original_file_path": f"models/{schema}/{name}.sql",
                "config": {"meta": meta},
                "columns": {
                    column: {
                        "name": column,
                        "data_type": kind,
                        "description": f"The {column}.",
                        "config": {"meta": {"in_services": column != "product_category"}},
                    }
                    for column, kind in columns.items()
                    if column not in without
                },
            }
        path = self.settings.lake / "dbt" / "manifest.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"metadata": {"invocation_id": "run-1"}, "nodes": nodes}
        path.write_text(json.dumps(content))
        return path

    def fill(self, users: int = 12, products: int = 15) -> None:
        """A history of three days, deterministic: some values null, some names not ASCII."""
        with self.held_open():
            self._fill(users, products)

    def _fill(self, users: int, products: int) -> None:
        categories = ["Bücher", "toys", "unknown"]
        for n in range(users):
            for day in (1, 10, 20):
                self.insert(
                    "ftr_users",
                    user_id=f"u{n}",
                    event_timestamp=datetime(2024, 4, day),
                    **{name: (n * day) % 7 for name, kind in USER_COLUMNS.items() if kind == COUNT},
                    user_ratings_sum=(n * day) % 7 * 3.5,
                    user_ratings_sum_sq=(n * day) % 7 * 13.25,
                    user_spend_90d=n * 10.99 if n % 3 else None,
                    user_last_activity_at=datetime(2024, 4, day - 1 or 1, 23, 59, 59, 250_000),
                    user_signed_up_at=datetime(2023, 1, 1 + n) if n % 4 else None,
                )
            for category in categories[: 1 + n % 3]:
                self.insert(
                    "ftr_user_categories",
                    user_id=f"u{n}",
                    category=category,
                    event_timestamp=datetime(2024, 4, 10),
                    user_category_interactions_90d=n % 3,
                    user_category_spend_90d=n * 1.5,
                )
        for n in range(products):
            for day in (2, 12):
                self.insert(
                    "ftr_products",
                    product_id=f"p{n}",
                    event_timestamp=datetime(2024, 4, day),
                    **{
                        name: (n + day) % 5
                        for name, kind in PRODUCT_COLUMNS.items()
                        if kind == COUNT
                    },
                    product_ratings_sum=(n + day) % 5 * 4.0,
                    product_category=categories[n % 3],
                    product_price=9.99 + n if n % 5 else None,
                    product_price_percentile=n / products,
                    product_first_seen_at=datetime(2024, 1, 1, 12),
                )


@pytest.fixture(scope="session")
def filled_warehouse(tmp_path_factory: pytest.TempPathFactory) -> FeatureWarehouse:
    """The warehouse that the others are copies of: a few users and products, 25 April 2024."""
    lake = tmp_path_factory.mktemp("filled") / "lake"
    warehouse = FeatureWarehouse(load_settings(shop="demo", lake=lake))
    warehouse.set_clock("2024-04-25 12:00:00")
    warehouse.fill()
    warehouse.record_run()
    return warehouse


@pytest.fixture
def feature_warehouse(settings: Settings, filled_warehouse: FeatureWarehouse) -> FeatureWarehouse:
    """A built and tested warehouse of a test's own."""
    return filled_warehouse.copy_to(settings)


@pytest.fixture
def crowded(feature_warehouse) -> FeatureWarehouse:
    """Twenty thousand users more: too many for a loss to be found by looking up a thousand."""
    feature_warehouse.execute(
        "insert into features.ftr_users (user_id, event_timestamp, created_at, user_views_7d) "
        "select 'm' || n, timestamp '2024-04-02', timestamp '2024-04-02', n from range(20_000) t(n)"
    )
    return feature_warehouse


@pytest.fixture(scope="session")
def published(
    tmp_path_factory: pytest.TempPathFactory, filled_warehouse: FeatureWarehouse
) -> Iterator[Settings]:
    """A lake whose features are published, with its Redis running. Treat it as read-only."""
    from feature_store.publish.publisher import publish

    settings = load_settings(shop="demo", lake=tmp_path_factory.mktemp("published") / "lake")
    filled_warehouse.copy_to(settings)
    publish(settings)
    yield settings
    processes.stop_all(settings)
