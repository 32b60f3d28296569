"""Our point-in-time join against Feast's own DuckDB store, row by row, on random frames."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from recomart.settings import PROJECT_ROOT, Settings

DAY0 = pd.Timestamp("2024-03-01")


def random_history(rng: np.random.Generator, rows: int, keys: list[str]) -> pd.DataFrame:
    """Rows with repeated event times, late and early creation, nulls; created times are distinct."""
    event = DAY0 + pd.to_timedelta(rng.integers(0, 20 * 24, rows), unit="h")
    late = rng.choice([0, 0, 0, 30, 200, -20], rows)
    frame = {key: rng.choice(["a", "b", "c", "ä"], rows) for key in keys}
    return pd.DataFrame(
        frame
        | {
            "event_timestamp": event.astype("datetime64[us]"),
            "created_at": (
                event + pd.to_timedelta(late, unit="h") + pd.to_timedelta(range(rows), unit="us")
            ).astype("datetime64[us]"),
            f"count_{len(keys)}": pd.array(rng.integers(0, 1000, rows), "Int64"),
            f"amount_{len(keys)}": np.where(rng.random(rows) < 0.2, np.nan, rng.random(rows)),
        }
    )


def random_labels(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    times = DAY0 + pd.to_timedelta(rng.integers(-48, 25 * 24, rows), unit="h")
    return pd.DataFrame(
        {
            "row": rng.permutation(rows),
            "event_timestamp": times.astype("datetime64[us]").tz_localize("UTC"),
            "user_id": rng.choice(["a", "b", "c", "ä", "nobody"], rows),
            "product_id": rng.choice(["a", "b", "nothing"], rows),
        }
    )


class Stores:
    """One registry of two views, read by our offline store and by Feast's."""

    def __init__(self, folder: Path, settings: Settings, ttl: timedelta) -> None:
        from feast import (
            Entity,
            FeatureStore,
            FeatureView,
            Field,
            FileSource,
            RepoConfig,
            ValueType,
        )
        from feast.types import Float64, Int64, String

        user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
        product = Entity(name="product", join_keys=["product_id"], value_type=ValueType.STRING)
        views = []
        for name, entities in (("of_user", [user]), ("of_pair", [user, product])):
            keys = [entity.join_key for entity in entities]
            views.append(
                FeatureView(
                    name=name,
                    entities=entities,
                    ttl=ttl,
                    schema=[
                        *(Field(name=key, dtype=String) for key in keys),
                        Field(name=f"count_{len(keys)}", dtype=Int64),
                        Field(name=f"amount_{len(keys)}", dtype=Float64),
                    ],
                    source=FileSource(
                        path=str(folder / f"{name}.parquet"),
                        timestamp_field="event_timestamp",
                        created_timestamp_column="created_at",
                    ),
                )
            )
        ours = {"type": "feature_store.stores.AsofDuckDBOfflineStore", "settings": settings}
        self.ours, self.stock = (
            FeatureStore(
                config=RepoConfig(
                    project="joins",
                    provider="local",
                    registry=str(folder / f"{name}.db"),
                    online_store=None,
                    offline_store=offline,
                    entity_key_serialization_version=3,
                )
            )
            for name, offline in (("ours", ours), ("stock", {"type": "duckdb"}))
        )
        for store in (self.ours, self.stock):
            store.apply([user, product, *views])

    features = ("of_user:count_1", "of_pair:amount_2", "of_user:amount_1", "of_pair:count_2")


@pytest.mark.parametrize("as_known_then", [False, True], ids=["as known now", "as known then"])
@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(days=2)], ids=["no ttl", "ttl 2 days"])
def test_joins_agree_with_feasts_own_row_by_row(
    tmp_path: Path, settings: Settings, ttl: timedelta, as_known_then: bool
) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        random_history(rng, 120, ["user_id"]).to_parquet(folder / "of_user.parquet")
        random_history(rng, 200, ["user_id", "product_id"]).to_parquet(folder / "of_pair.parquet")
        stores = Stores(folder, settings, ttl)
        labels = random_labels(rng, 300)

        found, expected = (
            store.get_historical_features(
                entity_df=labels,
                features=list(stores.features),
                filter_by_created_timestamp=as_known_then,
            ).to_df()
            for store in (stores.ours, stores.stock)
        )

        assert found["row"].tolist() == labels["row"].tolist(), "rows keep their order"
        assert set(found.columns) == set(expected.columns)
        pd.testing.assert_frame_equal(
            found.sort_values("row", ignore_index=True),
            expected.sort_values("row", ignore_index=True)[list(found.columns)],
            check_dtype=False,
        )
        assert found["count_1"].notna().any()


@pytest.fixture
def one_user(tmp_path: Path, settings: Settings) -> Stores:
    """One user: valid from 10:00, corrected at 15:00, and a later row that was created before."""
    rows = [
        # event time, created, count
        ("2024-03-01 10:00", "2024-03-01 10:00", 1),
        ("2024-03-01 10:00", "2024-03-01 15:00", 2),
        ("2024-03-01 12:00", "2024-03-01 11:00", 3),
    ]
    history = pd.DataFrame(rows, columns=["event_timestamp", "created_at", "count_1"])
    for name in ("event_timestamp", "created_at"):
        history[name] = pd.to_datetime(history[name]).astype("datetime64[us]")
    history["user_id"], history["amount_1"] = "a", 0.5
    history.to_parquet(tmp_path / "of_user.parquet")
    pair = history.rename(columns={"count_1": "count_2", "amount_1": "amount_2"})
    pair.assign(product_id="a").to_parquet(tmp_path / "of_pair.parquet")
    return Stores(tmp_path, settings, timedelta(hours=2))


def counts(stores: Stores, times: list[str], **options: object) -> list[int | None]:
    labels = pd.DataFrame(
        {"user_id": "a", "event_timestamp": pd.to_datetime(times, utc=True, format="ISO8601")}
    )
    found = stores.ours.get_historical_features(
        entity_df=labels,
        features=["of_user:count_1"],
        **options,  # type: ignore[arg-type]
    ).to_arrow()
    return found["count_1"].to_pylist()


def test_of_equal_event_times_the_newest_created_wins(one_user: Stores) -> None:
    assert counts(one_user, ["2024-03-01 11:00"]) == [2]


def test_a_later_event_time_beats_a_later_creation(one_user: Stores) -> None:
    assert counts(one_user, ["2024-03-01 12:30"]) == [3]


def test_what_was_corrected_later_does_not_leak_into_an_earlier_label(one_user: Stores) -> None:
    assert counts(one_user, ["2024-03-01 11:00"], filter_by_created_timestamp=True) == [1]


def test_ttl_is_inclusive_at_both_ends(one_user: Stores) -> None:
    times = ["2024-03-01 09:59:59.999999", "2024-03-01 10:00", "2024-03-01 14:00"]
    times.append("2024-03-01 14:00:00.000001")

    assert counts(one_user, times) == [None, 2, 3, None]


def test_labels_come_as_pandas_arrow_or_parquet_with_any_unit_of_time(
    one_user: Stores, tmp_path: Path
) -> None:
    frame = pd.DataFrame(
        {"user_id": ["a", "b"], "event_timestamp": pd.to_datetime(["2024-03-01 11:00"] * 2)}
    )
    expected = [2, None]
    for unit in ("s", "us", "ns"):
        labels = frame.astype({"event_timestamp": f"datetime64[{unit}]"})
        table = pa.Table.from_pandas(labels)
        pq.write_table(table, tmp_path / "labels.parquet")
        for given in (labels, table, str(tmp_path / "labels.parquet")):
            job = one_user.ours.get_historical_features(
                entity_df=given, features=["of_user:count_1"]
            )
            assert job.to_arrow()["count_1"].to_pylist() == expected


def test_labels_of_no_known_kind_are_refused(one_user: Stores) -> None:
    with pytest.raises(ValueError, match="the path of a Parquet file"):
        one_user.ours.get_historical_features(
            entity_df="select * from somewhere", features=["of_user:count_1"]
        )


def test_full_feature_names_carry_the_view(one_user: Stores) -> None:
    labels = pd.DataFrame(
        {"user_id": ["a"], "event_timestamp": pd.to_datetime(["2024-03-01 11:00"])}
    )
    found = one_user.ours.get_historical_features(
        entity_df=labels, features=["of_user:count_1"], full_feature_names=True
    ).to_df()

    assert found["of_user__count_1"].tolist() == [2]


def test_no_label_at_all_gives_no_row(one_user: Stores) -> None:
    labels = pd.DataFrame(
        {"user_id": pd.Series([], dtype="str"), "event_timestamp": pd.to_datetime([])}
    )
    found = one_user.ours.get_historical_features(
        entity_df=labels, features=["of_user:count_1"]
    ).to_df()

    assert found.columns.tolist() == ["user_id", "event_timestamp", "count_1"]
    assert found.empty


def test_a_result_written_to_parquet_is_the_one_in_memory_whatever_the_labels_come_as(
    one_user: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feature_store.offline.store.PART_ROWS", 7)
    labels = random_labels(np.random.default_rng(0), 50)
    labels["event_timestamp"] = pd.date_range(
        "2024-03-01 08:00", periods=50, freq="20min", tz="UTC"
    )
    labels.to_parquet(tmp_path / "labels.parquet", row_group_size=20)
    refs = ["of_user:count_1", "of_pair:amount_2"]
    expected = one_user.ours.get_historical_features(entity_df=labels, features=refs).to_arrow()
    for given in (labels, pa.Table.from_pandas(labels), str(tmp_path / "labels.parquet")):
        job = one_user.ours.get_historical_features(entity_df=given, features=refs)
        assert job.to_parquet(tmp_path / "result.parquet") == 50
        assert pq.read_table(tmp_path / "result.parquet").equals(expected)
    assert expected["count_1"].null_count not in (0, 50)


def test_no_label_at_all_gives_a_file_without_rows(one_user: Stores, tmp_path: Path) -> None:
    random_labels(np.random.default_rng(0), 0).to_parquet(tmp_path / "labels.parquet")
    job = one_user.ours.get_historical_features(
        entity_df=str(tmp_path / "labels.parquet"), features=["of_user:count_1"]
    )

    assert job.to_parquet(tmp_path / "result.parquet") == 0
    assert pq.read_schema(tmp_path / "result.parquet").names[-1] == "count_1"


@pytest.mark.slow
def test_what_does_not_fit_into_the_memory_limit_is_spilled_and_streamed(tmp_path: Path) -> None:
    """The join's memory grows by less than the features and labels take; its limit is 100 MB."""
    for step in ("write", "join"):
        child = [sys.executable, "-m", "tests.integration.feature_store.join_child", step]
        told = subprocess.run(
            [*child, str(tmp_path)],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    figures = json.loads(told.stdout.splitlines()[-1])

    assert figures["spilled_mb"] > 50
    assert figures["grown_mb"] < 200 < figures["data_mb"]
    result = pq.read_table(tmp_path / "result.parquet")
    assert result["row_id"].to_numpy().tolist() == list(range(figures["labels"]))
    # each entity's row of hour h says h: the newest at a label's time is that of its hour
    hours = pc.hour(result["event_timestamp"]).to_numpy()
    assert np.array_equal(result["f0"].to_numpy(), hours)
