"""A snapshot of RecoMart 0.1.0, whose registry imports functions from where they no longer are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from feature_store.online.lookup import OnlineFeatures
from feature_store.publish.restore import restore
from feature_store.snapshots import Snapshot, current_snapshot, find_snapshot
from feature_store.stores import open_store
from recomart.errors import SnapshotDamaged
from recomart.settings import Settings

DATA = Path(__file__).parents[2] / "data" / "before_the_move"
OLD_IMPORTS = (b"recomart.derived", b"recomart.realtime.documents")


@pytest.fixture
def old(settings: Settings) -> Snapshot:
    """The old snapshot in a lake that holds nothing else."""
    shutil.copytree(DATA / "features", settings.features)
    (folder,) = settings.features.iterdir()
    settings.current_features.symlink_to(folder.name)
    settings.published_features.symlink_to(folder.name)
    content = (folder / "registry.db").read_bytes()
    assert all(name in content for name in OLD_IMPORTS)
    return find_snapshot(settings, folder.name)


def asked() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four labels, and their features as the old code gave them."""
    expected = pd.DataFrame(json.loads((DATA / "expected.json").read_text())["features"])
    for name in expected.columns:
        if name.endswith("_at") or name in ("as_of", "event_timestamp"):
            times = pd.to_datetime(expected[name], utc=True, format="ISO8601")
            expected[name] = times.dt.as_unit("ns")
    keys = ["user_id", "product_id", "category", "event_timestamp", "as_of"]
    return expected[keys], expected


def assert_as_expected(found: pd.DataFrame) -> None:
    _, expected = asked()
    assert set(found.columns) == set(expected.columns)
    found = found[expected.columns]
    for name in expected.columns:
        if pd.api.types.is_datetime64_any_dtype(expected[name]):
            found = found.assign(**{name: pd.to_datetime(found[name], utc=True).dt.as_unit("ns")})
    # the text of the expected values has 15 digits
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-12, atol=0)


def test_an_old_snapshot_gives_the_features_that_the_old_code_gave(
    settings: Settings, old: Snapshot
) -> None:
    labels, _ = asked()
    store = open_store(settings, old)

    found = store.get_historical_features(
        entity_df=labels, features=store.get_feature_service("recommendation_v1")
    ).to_df()

    assert_as_expected(found)
    assert not list(settings.run_files.glob("redis*")), "no Redis was started for it"
    assert sorted(file.name for file in old.folder.glob(".*")) == [], "nothing half written is left"


def test_its_definitions_are_written_again_once(settings: Settings, old: Snapshot) -> None:
    open_store(settings, old)
    content = old.definitions.read_bytes()
    assert not any(name in content for name in OLD_IMPORTS)

    open_store(settings, old)

    assert old.definitions.read_bytes() == content


def test_the_lakes_own_old_registry_is_written_again(settings: Settings, old: Snapshot) -> None:
    shutil.copyfile(old.definitions, settings.registry)
    labels, _ = asked()
    store = open_store(settings)

    found = store.get_historical_features(
        entity_df=labels, features=store.get_feature_service("recommendation_v1")
    ).to_df()

    assert_as_expected(found)


def test_an_old_snapshot_is_restored_and_served(settings: Settings, old: Snapshot) -> None:
    shutil.copyfile(old.definitions, settings.registry)

    result = restore(settings, old.hash[:6])

    assert f"snapshot {old.hash} is back" in result.detail
    user = asked()[0]["user_id"].iloc[0]
    served = {value.feature: value for value in OnlineFeatures(settings).user(user)}
    online = open_store(settings).get_online_features(
        features=[
            "ftr_users:user_views_30d",
            "derived:user_tenure_days",
            "realtime:rt_user_views_24h",
        ],
        entity_rows=[
            {"user_id": user, "product_id": "p00001", "category": "Toys", "as_of": old.as_of}
        ],
    )
    row = {name: values[0] for name, values in online.to_dict().items()}
    assert row["user_views_30d"] == served["user_views_30d"].value
    assert row["user_tenure_days"] == pytest.approx(served["user_tenure_days"].value)
    assert row["rt_user_views_24h"] is None


@pytest.mark.slow
def test_models_are_trained_on_an_old_snapshot(settings: Settings, old: Snapshot) -> None:
    from training.train import train

    summary = train(settings, features=old.hash[:6])

    assert summary.snapshot == old.hash
    assert {"popularity", "bias", "svd", "ranker"} <= summary.versions.keys()


@pytest.mark.parametrize("damage", ["missing", "not JSON", "another file", "no models"])
def test_without_its_manifest_an_old_snapshot_is_a_clear_error(
    settings: Settings, old: Snapshot, damage: str
) -> None:
    if damage == "missing":
        old.manifest.unlink()
    else:
        texts = {"not JSON": "{", "another file": '{"nodes": {"one": {}}}', "no models": "{}"}
        old.manifest.write_text(texts[damage])

    with pytest.raises(SnapshotDamaged, match="feature definitions of snapshot") as caught:
        open_store(settings, old)
    assert caught.value.where == str(old.manifest)
    assert "recomart publish" in caught.value.help
    with pytest.raises(SnapshotDamaged, match=r"manifest\.json"):
        restore(settings, old.hash)
    assert current_snapshot(settings).hash == old.hash
    assert any(name in old.definitions.read_bytes() for name in OLD_IMPORTS), "nothing changed"
