"""The one reader of dbt's manifest, on a manifest written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feature_store.dbt_manifest import Manifest, read_manifest
from feature_store.dbt_tests import claim_of


def _model(name: str, parents: list[str], **given: Any) -> dict[str, Any]:
    node = {
        "resource_type": "model",
        "name": name,
        "alias": name,
        "schema": "features",
        "depends_on": {"nodes": parents},
    }
    return node | given


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """raw.events -> stg_events -> ftr_users in two versions; a macro is no table."""
    not_null = {"name": "user_id", "constraints": [{"type": "not_null"}]}
    publish = {"meta": {"publish": {"order_by": ["user_id"]}}}
    nodes = {
        "model.x.ftr_users.v2": _model(
            "ftr_users", ["model.x.stg_events"], version=2, alias="ftr_users_v2", config=publish
        ),
        "model.x.ftr_users.v1": _model(
            "ftr_users",
            ["model.x.stg_events", "macro.x.round"],
            version=1,
            config=publish,
            columns={"user_id": not_null, "views": {"name": "views", "data_type": "bigint"}},
        ),
        "model.x.stg_events": _model("stg_events", ["source.x.raw.events"], schema="staging"),
        "test.x.unique": {
            "resource_type": "test",
            "name": "unique_ftr_users_user_id",
            "attached_node": "model.x.ftr_users.v2",
            "test_metadata": {"name": "unique", "kwargs": {"column_name": "user_id"}},
        },
        "test.x.off": {"resource_type": "test", "name": "off", "config": {"enabled": False}},
    }
    source = {"resource_type": "source", "name": "events", "schema": "raw"}
    path = tmp_path / "manifest.json"
    content = {"nodes": nodes, "sources": {"source.x.raw.events": source}}
    path.write_text(json.dumps(content))
    return read_manifest(path)


def test_each_version_of_a_model_is_a_table_named_by_its_alias(manifest: Manifest) -> None:
    assert [table.name for table in manifest.published()] == ["ftr_users", "ftr_users_v2"]
    assert manifest.named("ftr_users_v2").relation == "warehouse.features.ftr_users_v2"  # type: ignore[union-attr]


def test_tables_know_what_they_read_and_who_reads_them(manifest: Manifest) -> None:
    assert manifest.tables["model.x.ftr_users.v1"].parents == ("model.x.stg_events",)
    assert manifest.children["model.x.stg_events"] == (
        "model.x.ftr_users.v1",
        "model.x.ftr_users.v2",
    )
    assert manifest.upstream(["model.x.ftr_users.v1"]) == {
        "model.x.ftr_users.v1",
        "model.x.stg_events",
        "source.x.raw.events",
    }
    assert next(model.name for model in manifest.models) == "stg_events", "parents come first"


def test_a_source_table_has_its_schema_in_its_name_and_is_found_without_it(
    manifest: Manifest,
) -> None:
    events = manifest.named("events")
    assert events is manifest.named("raw.events")
    assert events is not None
    assert (events.name, events.source) == ("raw.events", "events")


def test_columns_say_whether_the_build_refuses_nulls(manifest: Manifest) -> None:
    columns = manifest.tables["model.x.ftr_users.v1"].columns
    assert {name: column.not_null for name, column in columns.items()} == {
        "user_id": True,
        "views": False,
    }


def test_tests_carry_their_table_and_claim_and_disabled_ones_are_left_out(
    manifest: Manifest,
) -> None:
    (test,) = manifest.tests.values()
    assert (test.table, test.claim) == ("ftr_users_v2", "No two rows have the same user_id.")


@pytest.mark.parametrize(
    ("kind", "arguments", "claim"),
    [
        ("not_null", {"column_name": "title"}, "title is never empty."),
        ("relationships", {"column_name": "user_id", "to": "ref('dim_users')"}, None),
        ("unique_combination", {"columns": ["a", "b"]}, "No two rows have the same a and b."),
        ("accepted_range", {"column_name": "n", "at_least": 0, "at_most": 1}, None),
        ("accepted_values", {"column_name": "kind", "values": ["a", "b"]}, "kind is one of a, b."),
        ("sums_to_one", {"column_name": "share"}, "Sums to one (share)."),
    ],
)
def test_a_claim_is_a_sentence(kind: str, arguments: dict[str, Any], claim: str | None) -> None:
    expected = {
        "relationships": "Every user_id is in dim_users.",
        "accepted_range": "n is at least 0 and at most 1.",
    }
    node = {"test_metadata": {"name": kind, "kwargs": arguments}}
    assert claim_of("any_name", node) == (claim or expected[kind])


def test_a_singular_test_claims_what_its_name_or_description_says() -> None:
    assert claim_of("every_user_has_features", {}) == "Every user has features."
    assert claim_of("x", {"description": "It balances."}) == "It balances."
