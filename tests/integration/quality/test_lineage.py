"""Lineage of the demo shop after all steps: both ways, by column, as events, and as a page."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest

import training.kinds
from feature_store.registered_models import KIND, model_versions
from feature_store.snapshots import current_snapshot
from quality.lineage import Walk, columns_page, export, walk
from recomart.errors import NotReady, UnknownName
from recomart.files import sha256_of
from recomart.settings import Settings
from recomart.shop.model import ENTITIES

KINDS = set(training.kinds.KINDS.names())


@pytest.fixture(scope="module")
def lake(demo_lake: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo lake with a folder for lineage and a warehouse of its own, and dbt's docs in it."""
    from orchestration.transform import docs, target_path

    own = tmp_path_factory.mktemp("traced") / "lake"
    own.mkdir()
    for shared in ("raw", "features", "dbt_macros", "mlflow.db", "mlartifacts", "lake.json"):
        (own / shared).symlink_to(demo_lake.lake / shared)
    shutil.copyfile(demo_lake.warehouse, own / demo_lake.warehouse.name)
    settings = demo_lake.model_copy(update={"lake": own})
    docs(settings)
    columns_page(settings, target_path(settings))
    return settings


@pytest.fixture(scope="module")
def loads(lake: Settings) -> dict[str, tuple[str, str]]:
    """The ledger: by batch, the landed file and its entity."""
    with duckdb.connect(str(lake.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select batch_id, landed_file, entity from raw._loads where status = 'loaded'"
        ).fetchall()
    assert {entity for _, _, entity in rows} == set(ENTITIES), "every entity has files"
    return {batch: (file, entity) for batch, file, entity in rows}


def version_of(settings: Settings, kind: str) -> str:
    return next(m.version for m in model_versions(settings) if m.tags[KIND] == kind)


def kinds(walked: Walk) -> set[str]:
    return {model.tags[KIND] for model in walked.models}


def ends(walked: Walk) -> dict[str, str]:
    """The files at the ends of a walk: batch and sha256."""
    return {load.batch_id: load.sha256 or "" for group in walked.files for load in group.loads}


def test_the_champion_comes_from_every_landed_file_with_the_sha256_of_its_bytes(
    lake: Settings, loads: dict[str, tuple[str, str]]
) -> None:
    on_disk = {batch: sha256_of(lake.lake / file) for batch, (file, _) in loads.items()}

    found = walk(lake, "champion")

    assert ends(found) == on_disk
    assert len(on_disk) > 100


def test_from_the_sha256_of_a_file_back_to_every_model(
    lake: Settings, loads: dict[str, tuple[str, str]]
) -> None:
    by_entity = {entity: file for file, entity in loads.values()}
    for entity in ("ratings", "events", "transactions", "users", "products"):
        found = walk(lake, sha256_of(lake.lake / by_entity[entity]))
        assert kinds(found) == KINDS, entity
        assert {m.version for m in found.models} == {m.version for m in model_versions(lake)}
        assert any(branch.node.name == f"raw.{entity}" for branch in found.down)


def test_a_feature_knows_the_raw_columns_of_its_values_and_who_only_decides_the_rows(
    lake: Settings,
) -> None:
    found = walk(lake, "user_views_7d")

    roles = {group.entity: (group.role, group.columns) for group in found.files}
    assert roles == {
        "events": ("values", ("event_type",)),
        "products": ("rows", ()),
        "ratings": ("rows", ()),
        "transactions": ("rows", ()),
        "users": ("rows", ()),
    }
    names = []
    branch = found.up[0]
    while branch.branches:
        names.append(branch.node.name)
        branch = branch.branches[0]
    assert names[0] == "int_users__daily.views"
    assert names[-3:] == ["raw.events.event_type", "raw.events", "events"]


def test_features_lead_to_the_models_that_read_them_alone(lake: Settings) -> None:
    assert kinds(walk(lake, "user_views_7d")) == {"ranker"}
    assert kinds(walk(lake, "user_category_share_90d")) == {"ranker"}
    assert kinds(walk(lake, "lbl_interactions")) == KINDS


def test_a_derived_feature_comes_from_the_stored_ones_of_its_formula(lake: Settings) -> None:
    up = [branch.node.name for branch in walk(lake, "product_views_trend").up]
    assert up[:2] == ["ftr_products.product_views_7d", "ftr_products.product_views_30d"]


def test_a_counted_feature_comes_from_the_columns_of_the_rows_that_are_counted(
    lake: Settings,
) -> None:
    found = walk(lake, "user_interactions_7d")
    columns = {group.entity: group.columns for group in found.files if group.role == "values"}
    assert {"events", "ratings", "transactions"} <= columns.keys()
    assert "user_id" in columns["ratings"]


def test_one_thing_has_many_names(
    lake: Settings, loads: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    hash = current_snapshot(lake).hash
    batch, (file, _) = next((b, f) for b, f in loads.items() if f[1] == "ratings")
    elsewhere = tmp_path / "sent-by-mail.csv"
    shutil.copyfile(lake.lake / file, elsewhere)
    serves = next(m.version for m in model_versions(lake) if "champion" in m.aliases)
    same = [
        ("champion", f"model:{serves}", serves),
        (hash, hash[:6], f"snapshot:{hash}", "current"),
        (batch, f"batch:{batch}", file, str(lake.lake / file), sha256_of(elsewhere)[:16]),
        (batch, str(elsewhere)),
        ("ftr_users:user_views_7d", "user_views_7d", "ftr_users.user_views_7d"),
        ("events", "raw.events", "table:raw.events"),
        ("products", "raw.products"),
        ("ftr_users", "ftr_users.parquet", "table:ftr_users"),
    ]
    for names in same:
        assert len({walk(lake, name).start for name in names}) == 1, names


def test_a_name_that_two_files_share_lists_both(lake: Settings) -> None:
    with duckdb.connect(str(lake.warehouse), read_only=True) as connection:
        (name, count) = connection.execute(
            "select parse_filename(source_file), count(*) from raw._loads group by all "
            "having count(*) > 1 order by all limit 1"
        ).fetchone()
    with pytest.raises(UnknownName, match=f"'{name}' is ambiguous: {count} assets") as caught:
        walk(lake, name)
    assert caught.value.found.count("file:source_data/") == count


def test_what_was_loaded_after_the_publish_made_nothing_and_a_failed_file_says_why(
    lake: Settings, tmp_path: Path
) -> None:
    own = tmp_path / "lake"
    shutil.copytree(lake.lake, own, symlinks=True)
    settings = lake.model_copy(update={"lake": own})
    with duckdb.connect(str(settings.warehouse)) as connection:
        columns = "batch_id, entity, source, source_file, landed_file, sha256, status, error"
        connection.execute(
            f"insert into raw._loads ({columns}) values "
            "('99999998', 'ratings', 'files', 'new.csv', 'raw/new.csv', 'ab12', 'loaded', null), "
            "('99999999', 'ratings', 'files', 'bad.csv', 'raw/bad.csv', 'cd34', 'failed', "
            "'error[header-mismatch]: no column')"
        )

    new, bad = walk(settings, "new.csv"), walk(settings, "bad.csv")

    assert (new.models, bad.models, bad.down) == ((), (), ())
    assert "no kept snapshot was made from it" in new.notes[0]
    assert "no column" in bad.notes[0]
    lines = export(settings).read_text().splitlines()
    failed = [event for event in map(json.loads, lines) if event.get("eventType") == "FAIL"]
    assert [e["run"]["facets"]["errorMessage"]["message"] for e in failed] == [
        "error[header-mismatch]: no column"
    ]


def test_two_exports_of_one_state_are_equal_and_every_run_starts_and_ends(lake: Settings) -> None:
    first = export(lake).read_bytes()
    assert export(lake).read_bytes() == first

    states = defaultdict(list)
    for event in map(json.loads, first.splitlines()):
        states[event["run"]["runId"], event["job"]["name"]].append(event["eventType"])
    assert all(ended == ["START", "COMPLETE"] for ended in states.values())
    assert len({run for run, _ in states}) == len(states), "no two jobs share a run"


def test_a_reader_of_the_events_gets_from_the_model_to_the_bytes_on_disk(
    lake: Settings, loads: dict[str, tuple[str, str]]
) -> None:
    made_from: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    versions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for event in map(json.loads, export(lake).read_text().splitlines()):
        for data in (*event.get("inputs", ()), *event.get("outputs", ())):
            facet = data["facets"]["version"]
            versions[data["namespace"], data["name"]].add(facet["datasetVersion"])
        for output in event.get("outputs", ()):
            inputs = {(data["namespace"], data["name"]) for data in event["inputs"]}
            made_from[output["namespace"], output["name"]] |= inputs

    champion = (lake.mlflow_uri, f"recomart-recommender/{version_of(lake, 'ranker')}")
    reached, waiting = set(), [champion]
    while waiting:
        at = waiting.pop()
        if at not in reached:
            reached.add(at)
            waiting += made_from[at]
    landed = {name: versions["file", name] for ns, name in reached if "/raw/" in name}
    assert landed == {
        str(lake.lake / file): {sha256_of(lake.lake / file)} for file, _ in loads.values()
    }
    assert (lake.feast_project, "ftr_users") in reached, "by way of the feature view"
    published = lake.features / current_snapshot(lake).hash
    for table in ("ftr_users", "lbl_interactions"):
        file = published / f"{table}.parquet"
        assert versions["file", str(file)] == {sha256_of(file)}


def test_events_name_columns_and_what_they_are_computed_from(lake: Settings) -> None:
    facets = {}
    for event in map(json.loads, export(lake).read_text().splitlines()):
        for output in event.get("outputs", ()):
            facets[event["job"]["name"]] = output["facets"]
    model = facets["dbt.model.recomart.ftr_users"]
    (source,) = model["columnLineage"]["fields"]["user_views_7d"]["inputFields"]
    assert (source["name"], source["field"]) == ("warehouse.intermediate.int_users__daily", "views")
    named = {field["name"]: field["type"] for field in model["schema"]["fields"]}
    assert named["user_views_7d"] == "bigint"
    schema = {f["name"] for f in facets["feature_view.ftr_users"]["schema"]["fields"]}
    assert schema == current_snapshot(lake).schema["ftr_users"].keys()


def test_the_page_of_columns_is_one_file_that_loads_nothing(lake: Settings) -> None:
    html = (lake.lineage / "columns.html").read_text(encoding="utf-8")

    outside = r"""["']?\s*(?:https?:)?//"""
    assert not re.findall(
        rf"""<(?:script|img|iframe|link)\s[^>]*(?:src|href)\s*=\s*{outside}""", html
    )
    styles = " ".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))
    assert styles
    assert not re.findall(rf"@import|url\(\s*{outside}", styles)
    (data,) = re.findall(r'JSON\.parse\(atob\("([^"]+)"\)\)', html)
    shown = json.loads(base64.b64decode(data))
    assert "user_views_7d" in shown["nodes"]["model.recomart.ftr_users"]["columns"]
    assert str(lake.lake) not in json.dumps(shown)


def test_a_page_needs_dbts_docs(lake: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"no manifest\.json"):
        columns_page(lake, tmp_path)
