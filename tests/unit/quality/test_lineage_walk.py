"""A lake of three files and two models, by hand: ratings feed one published table, events the other.

raw.ratings -> stg_ratings -> ftr_users   (feature view)  read by model 2
raw.events  -> stg_events  -> lbl         (labels)        read by models 1 and 2
"""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feature_store.dbt_manifest import reach
from feature_store.derived_feature import Prior
from feature_store.registered_models import REGISTERED_MODEL
from feature_store.snapshots import RECORD, Batch, Snapshot
from quality.lineage import Walk, walk
from quality.lineage.building import build_graph
from quality.lineage.events import events_of
from quality.lineage.graph import BATCH, MODEL, Key
from quality.lineage.records import read_records
from recomart.errors import NotReady, UnknownName
from recomart.files import replace_text, swap_link
from recomart.settings import Settings, load_settings

PUBLISHED = datetime(2026, 3, 1, 12, tzinfo=UTC)
HASH = "aaaabbbbccccdddd"
SHAS = {"ratings": "1" * 64, "events": "12" * 32, "late": "3" * 64}


def node(name: str, schema: str, parents: list[str], **meta: object) -> dict[str, object]:
    return {
        "resource_type": "model",
        "name": name,
        "schema": schema,
        "description": f"One row per key of {name}.",
        "depends_on": {"nodes": parents},
        "config": {"meta": meta},
        "columns": {"user_views_7d": {"name": "user_views_7d"}} if name == "ftr_users" else {},
        "checksum": {"checksum": name},
    }


def manifest() -> str:
    view = {"entities": ["user"], "stale_after_hours": 48, "services": ["recommendation_v1"]}
    nodes = {
        "model.x.stg_ratings": node("stg_ratings", "staging", ["source.x.raw.ratings"]),
        "model.x.stg_events": node("stg_events", "staging", ["source.x.raw.events"]),
        "model.x.ftr_users": node(
            "ftr_users", "features", ["model.x.stg_ratings"], publish={}, feast=view
        ),
        "model.x.lbl": node("lbl", "features", ["model.x.stg_events"], publish={}),
        "test.x.unique": {"resource_type": "test", "depends_on": {"nodes": ["model.x.lbl"]}},
    }
    sources = {
        f"source.x.raw.{entity}": {"resource_type": "source", "name": entity, "schema": "raw"}
        for entity in ("ratings", "events")
    }
    return json.dumps({"metadata": {"invocation_id": "i"}, "nodes": nodes, "sources": sources})


def batch(number: int, entity: str, sha256: str, since: datetime = PUBLISHED) -> Batch:
    return Batch(
        batch_id=f"{number:08d}",
        entity=entity,
        source="files",
        source_file=f"{entity}/day.csv",
        landed_file=f"raw/files/{entity}/{number:08d}.csv",
        sha256=sha256,
        records=10 * number,
        accepted=10 * number,
        since=since,
    )


def register(settings: Settings, models: list[tuple[int, str, str]]) -> None:
    with sqlite3.connect(settings.lake / "mlflow.db") as registry:
        registry.execute(
            "create table model_versions (name, version, run_id, creation_time, current_stage, "
            "storage_location, source)"
        )
        registry.execute("create table model_version_tags (name, version, key, value)")
        registry.execute("create table registered_model_aliases (name, version, alias)")
        registry.execute(
            "insert into registered_model_aliases values (?, 2, 'champion')", [REGISTERED_MODEL]
        )
        for version, reads, features_at in models:
            registry.execute(
                "insert into model_versions values (?, ?, 'run', 0, 'None', 'file:///m', null)",
                [REGISTERED_MODEL, version],
            )
            tags = {"features_hash": HASH, "reads": reads, "features_at": features_at}
            for key, value in {**tags, "kind": f"kind{version}", "training_set": "t"}.items():
                registry.execute(
                    "insert into model_version_tags values (?, ?, ?, ?)",
                    [REGISTERED_MODEL, version, key, value],
                )


@pytest.fixture
def lake(tmp_path: Path) -> Settings:
    """Published from two batches, learned from by two models; published again with a third."""
    settings = load_settings(shop="demo", lake=tmp_path / "lake")
    again = PUBLISHED + timedelta(days=1)
    folder = settings.features / HASH
    snapshot = Snapshot(
        folder=folder,
        hash=HASH,
        shop="demo",
        as_of=PUBLISHED,
        published_at=PUBLISHED,
        rows={"ftr_users": 3, "lbl": 4},
        prior=Prior(3.0, 5.0),
        schema={"ftr_users": {"user_views_7d": "BIGINT"}, "lbl": {}},
        files={"ftr_users": "5" * 64, "lbl": "6" * 64},
        batches=(
            batch(1, "ratings", SHAS["ratings"]),
            batch(2, "events", SHAS["events"]),
            batch(3, "events", SHAS["late"], again),
        ),
        batches_at=again,
    )
    replace_text(folder / RECORD, snapshot.to_json())
    replace_text(snapshot.manifest, manifest())
    swap_link(settings.current_features, HASH)
    at = PUBLISHED.isoformat()
    register(settings, [(1, "lbl", at), (2, "ftr_users,lbl", at)])
    return settings


def versions(walked: Walk) -> list[str]:
    return [model.version for model in walked.models]


def batches(walked: Walk) -> dict[str, list[str]]:
    return {group.entity: [load.batch_id for load in group.loads] for group in walked.files}


def test_a_model_comes_from_the_files_of_what_it_read_alone(lake: Settings) -> None:
    assert batches(walk(lake, "model:1")) == {"events": ["00000002"]}
    assert batches(walk(lake, "champion")) == {"events": ["00000002"], "ratings": ["00000001"]}


def test_a_file_goes_to_the_models_that_read_what_it_feeds(lake: Settings) -> None:
    assert versions(walk(lake, "00000001")) == ["2"]
    assert versions(walk(lake, "00000002")) == ["1", "2"]


def test_a_batch_that_came_with_a_later_publish_of_equal_bytes_was_not_learned_from(
    lake: Settings,
) -> None:
    later = walk(lake, "00000003")
    assert versions(later) == []
    (_, published) = later.down
    assert published.node.name == HASH, "it is behind the snapshot all the same"
    assert batches(walk(lake, HASH))["events"] == ["00000002", "00000003"]


def test_a_feature_comes_from_the_entities_upstream_of_it(lake: Settings) -> None:
    found = walk(lake, "user_views_7d")
    assert batches(found) == {"ratings": ["00000001"]}
    assert versions(found) == ["2"]
    assert found.notes, "a note says that there is no column lineage"


@pytest.mark.parametrize(
    "name", ["1" * 64, "1111", "sha256:1111", "raw/files/ratings/00000001.csv"]
)
def test_a_file_is_known_by_its_bytes_and_by_where_it_landed(lake: Settings, name: str) -> None:
    found = walk(lake, name)
    assert dict(found.start.facts)["sha256"] == SHAS["ratings"]
    assert found.start.name == "raw/files/ratings/00000001.csv"


def test_a_name_of_several_things_lists_their_whole_names(lake: Settings) -> None:
    with pytest.raises(UnknownName, match="2 assets have this name") as caught:
        walk(lake, "day.csv")
    assert caught.value.found == "file:events/day.csv, file:ratings/day.csv"
    assert versions(walk(lake, "file:ratings/day.csv")) == ["2"]


def test_a_file_that_was_received_twice_is_both_batches(lake: Settings) -> None:
    found = walk(lake, "file:events/day.csv")
    assert versions(found) == ["1", "2"]
    assert dict(found.start.facts)["batches"] == "2"


def test_bytes_that_two_entities_were_made_of_lead_to_what_both_feed(lake: Settings) -> None:
    record = lake.features / HASH / RECORD
    record.write_text(record.read_text().replace(SHAS["events"], SHAS["ratings"]))
    found = walk(lake, "1111")
    assert [branch.node.name for branch in found.up] == ["events", "ratings"]
    assert [branch.node.name for branch in found.down] == ["raw.events", "raw.ratings", HASH]
    assert versions(found) == ["1", "2"]


def test_a_name_that_nothing_has_names_the_nearest(lake: Settings) -> None:
    with pytest.raises(UnknownName, match="nothing in this lake") as caught:
        walk(lake, "user_view_7d")
    assert "user_views_7d" in (caught.value.found or "")


def test_the_dag_of_a_model_is_opened_once_and_ends_in_files(lake: Settings) -> None:
    (training_set,) = walk(lake, "champion").up
    (snapshot,) = training_set.branches
    paths = []
    for file in snapshot.branches:
        path, branch = [file.node.name], file
        while branch.branches:
            (branch,) = branch.branches
            path.append(branch.node.name)
        paths.append(path)
    assert [" > ".join(path) for path in paths] == [
        f"{HASH}/ftr_users.parquet > ftr_users > stg_ratings > raw.ratings > ratings > "
        "raw/files/ratings/00000001.csv",
        f"{HASH}/lbl.parquet > lbl > stg_events > raw.events > events > "
        "raw/files/events/00000002.csv",
    ]


def test_a_model_whose_snapshot_somebody_removed_says_so(lake: Settings) -> None:
    for file in (lake.features / HASH).iterdir():
        file.unlink()
    (lake.lake / "dbt").mkdir()
    (lake.lake / "dbt" / "manifest.json").write_text(manifest())
    (note,) = walk(lake, "champion").notes
    assert HASH in note


def test_a_lake_that_dbt_has_not_built_has_no_lineage(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="before dbt has built"):
        walk(load_settings(shop="demo", lake=tmp_path / "lake"), "champion")


def test_a_version_of_a_model_is_found_by_its_alias_as_published(lake: Settings) -> None:
    """dbt names both versions ftr_users; publish and the models' tags say ftr_users_v2."""
    folder = lake.features / HASH
    text = (folder / "manifest.json").read_text()
    content = json.loads(text)
    version = content["nodes"].pop("model.x.ftr_users")
    content["nodes"]["model.x.ftr_users.v2"] = version | {"version": 2, "alias": "ftr_users_v2"}
    (folder / "manifest.json").write_text(json.dumps(content))
    record = folder / RECORD
    record.write_text(record.read_text().replace('"ftr_users"', '"ftr_users_v2"'))
    with sqlite3.connect(lake.lake / "mlflow.db") as registry:
        registry.execute(
            "update model_version_tags set value = 'ftr_users_v2,lbl' where key = 'reads'"
            " and version = 2"
        )

    assert batches(walk(lake, "model:2")) == {"events": ["00000002"], "ratings": ["00000001"]}
    assert versions(walk(lake, "ftr_users_v2")) == ["2"]
    assert versions(walk(lake, "00000001")) == ["2"]


def test_the_walk_and_the_events_are_two_renderings_of_one_graph(lake: Settings) -> None:
    graph = build_graph(read_records(lake))
    made_from: dict[str, set[str]] = {}
    for event in events_of(graph):
        for output in event.outputs or ():
            inputs = {data.name for data in event.inputs or ()}
            made_from.setdefault(output.name, set()).update(inputs)

    reached = reach([f"{REGISTERED_MODEL}/1"], lambda name: made_from.get(name, ()))

    landed = {Path(name).stem for name in reached if "/raw/" in name}
    in_graph = {key.name for key in graph.upstream([Key(MODEL, "", "1")]) if key.kind == BATCH}
    assert landed == in_graph == {"00000002", "00000003"}
    # the walk keeps only the batches that were behind the snapshot when model 1 learned
    assert batches(walk(lake, "model:1")) == {"events": ["00000002"]}
    assert "warehouse.raw.ratings" not in reached, "model 1 read nothing made from ratings"
