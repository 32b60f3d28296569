from __future__ import annotations

import json
from pathlib import Path

import pytest

from feature_store import derived_feature
from feature_store.definitions.derived_inputs import check_derived
from feature_store.definitions.manifest import definition_digest, read_models
from feature_store.derived_feature import Column, derived
from recomart.errors import ConfigurationError


def write_manifest(folder: Path, **changes: object) -> Path:
    columns = {
        "user_id": "varchar",
        "event_timestamp": "timestamp",
        "created_at": "TIMESTAMP",
        "spend": "decimal(18,4)",
        "visits": "bigint",
        "last_at": "timestamp",
    } | dict(changes.pop("columns", {}))  # type: ignore[call-overload]
    node = {
        "resource_type": "model",
        "name": "ftr_users",
        "alias": "ftr_users",
        "schema": "features",
        "description": "One row per user and change day.",
        "original_file_path": "models/features/ftr_users.sql",
        "columns": {
            name: {"name": name, "data_type": kind, "description": ""}
            for name, kind in columns.items()
        },
        "config": {
            "meta": {
                "publish": {"order_by": ["user_id", "event_timestamp"]},
                "feast": {"entities": ["user"], "stale_after_hours": 48, "services": ["r_v1"]},
            }
        },
    }
    node |= changes
    other = {"resource_type": "model", "name": "stg_users", "config": {"meta": {}}}
    path = folder / "manifest.json"
    path.write_text(json.dumps({"nodes": {"a": node, "b": other}}))
    return path


def test_features_are_the_columns_that_are_no_key_and_no_row_timestamp(tmp_path: Path) -> None:
    (model,) = read_models(write_manifest(tmp_path))

    assert model.join_keys == ("user_id",)
    assert [(column.name, kind) for column, kind in model.features] == [
        ("spend", "Float64"),
        ("visits", "Int64"),
        ("last_at", "UnixTimestamp"),
    ]


def test_a_model_without_publish_in_its_meta_is_left_out(tmp_path: Path) -> None:
    assert [model.name for model in read_models(write_manifest(tmp_path))] == ["ftr_users"]


def test_a_data_type_without_a_feast_type_is_named(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, columns={"tags": "varchar[]"})

    with pytest.raises(ConfigurationError, match=r"ftr_users\.tags") as caught:
        read_models(manifest)
    assert caught.value.where == "models/features/ftr_users.sql"


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"publish": {"order_by": ["nope"]}}, "order_by must name"),
        ({"publish": {}}, "order_by must name"),
        (
            {
                "publish": {"order_by": ["user_id"]},
                "feast": {"entities": ["usr"], "stale_after_hours": 1},
            },
            "unknown entity",
        ),
        (
            {
                "publish": {"order_by": ["user_id"]},
                "feast": {"entities": ["product"], "stale_after_hours": 1},
            },
            "needs a column product_id",
        ),
        (
            {
                "publish": {"order_by": ["event_timestamp", "user_id"]},
                "feast": {"entities": ["user"], "stale_after_hours": 1},
            },
            "kept in the order of its entities",
        ),
    ],
)
def test_meta_that_cannot_be_used_is_an_error(tmp_path: Path, meta: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_models(write_manifest(tmp_path, config={"meta": meta}))


def test_the_digest_follows_meaning_and_not_descriptions(tmp_path: Path) -> None:
    plain = definition_digest(read_models(write_manifest(tmp_path)))
    described = definition_digest(read_models(write_manifest(tmp_path, description="New words.")))
    retyped = definition_digest(read_models(write_manifest(tmp_path, columns={"visits": "double"})))

    assert plain == described
    assert plain != retyped


@pytest.fixture
def own_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only derived feature: made from the time of a user's last visit."""
    monkeypatch.setattr(derived_feature, "_registered", {})

    @derived
    def user_visits_per_day(as_of: Column, user_last_at: Column, user_visits: Column) -> Column:
        """Visits for each day.

        Unit: visits per day.
        """
        return user_visits / (as_of - user_last_at)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user_visit": "bigint", "user_last_at": "timestamp"}, 'takes "user_visits", which is a'),
        ({"user_visits": "varchar", "user_last_at": "timestamp"}, '"user_visits", which is a text'),
        ({"user_visits": "timestamp", "user_last_at": "timestamp"}, '"user_visits", which the'),
        ({"user_visits": "bigint", "user_last_at": "bigint"}, '"user_last_at", which the'),
    ],
)
def test_a_derived_feature_needs_columns_of_its_names_and_of_the_right_types(
    own_feature: None, tmp_path: Path, columns: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_derived(read_models(write_manifest(tmp_path, columns=columns)))
    assert str(caught.value.where).startswith(f"{__file__}:")


def test_an_unknown_input_names_the_nearest_columns(own_feature: None, tmp_path: Path) -> None:
    columns = {"user_visit": "bigint", "user_last_at": "timestamp"}
    with pytest.raises(ConfigurationError) as caught:
        check_derived(read_models(write_manifest(tmp_path, columns=columns)))
    assert "user_visit" in str(caught.value.found)


def test_a_derived_feature_whose_columns_are_there_may_be_published(
    own_feature: None, tmp_path: Path
) -> None:
    columns = {"user_visits": "bigint", "user_last_at": "timestamp"}
    check_derived(read_models(write_manifest(tmp_path, columns=columns)))
