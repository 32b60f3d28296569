"""Each benchmark of the feature store, at a size that is good for nothing but seeing it run."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import (
    freshness,
    lookup,
    point_in_time,
    publish_online,
    realtime_lookup,
    results,
    training_set,
)
from recomart.settings import Settings


@pytest.fixture(autouse=True)
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the figures go, in place of those that we quote."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return tmp_path


def test_point_in_time_measures_ours_beside_a_bare_query(figures: Path) -> None:
    point_in_time.main(
        ["--cases", "50x20000", "--late", "0.01", "--rounds", "1", "--without", "stock"]
    )

    (run,) = json.loads((figures / "point_in_time.json").read_text())["runs"]
    assert run["seconds"].keys() == {"bare", "ours", "ours-then"}
    assert all(seconds > 0 for seconds in run["seconds"].values())


def test_publish_online_writes_every_row_and_then_the_changed_ones(figures: Path) -> None:
    publish_online.main(["--rows", "1000", "--stock-rows", "200", "--rounds", "1"])

    told = json.loads((figures / "publish_online.json").read_text())
    assert 0 < told["rows_changed"] < 50
    assert set(told["rows_a_second"]) == {"pipe", "publish", "materialize", "stock"}


def test_lookup_times_every_contender(figures: Path) -> None:
    lookup.main(["--products", "5", "--calls", "3"])

    told = json.loads((figures / "lookup.json").read_text())
    for name in lookup.NAMES:
        assert 0 < told[name]["p50_ms"] <= told[name]["p99_ms"]


def test_training_set_has_every_label_and_does_not_depend_on_its_batches(
    demo_lake: Settings, figures: Path
) -> None:
    training_set.main(["--shop", str(demo_lake.shop), "--lake", str(demo_lake.lake)])

    told = json.loads((figures / "training_set.json").read_text())
    labels = demo_lake.current_features / "lbl_interactions.parquet"
    assert told["labels"] == pq.read_metadata(labels).num_rows > 0
    assert {"label", "user_views_7d", "user_category_share_90d"} <= set(told["columns"])
    whole = pa.concat_tables(training_set.training_set(demo_lake, told["labels"]))
    parts = pa.concat_tables(training_set.training_set(demo_lake, told["labels"] // 3))
    assert parts.equals(whole)


def test_realtime_lookup_times_every_contender(figures: Path) -> None:
    realtime_lookup.main(["--events", "500", "--products", "5", "--calls", "3"])

    told = json.loads((figures / "realtime_lookup.json").read_text())
    for name in realtime_lookup.NAMES:
        assert 0 < told[name]["p50_ms"] <= told[name]["p99_ms"]
    assert told["bytes_an_event"] > 0


@pytest.mark.slow
def test_freshness_sees_every_event(figures: Path) -> None:
    freshness.main(["--events", "100", "--rate", "100"])

    told = json.loads((figures / "freshness.json").read_text())
    assert told["events"] == 100
    assert 0 < told["p50_ms"] <= told["p99_ms"] <= told["max_ms"]
