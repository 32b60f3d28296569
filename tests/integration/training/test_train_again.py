"""Training again from a snapshot that is no longer current."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from feature_store.publish.publisher import apply_definitions
from feature_store.publish.snapshot_writer import take_snapshot
from feature_store.registered_models import ModelVersion, model_versions
from feature_store.snapshots import current_snapshot
from recomart import processes
from recomart.errors import NoChampion, UnknownName
from recomart.files import sha256_of
from recomart.settings import Settings
from recomart.warehouse import warehouse
from training import registry
from training.kinds import KINDS
from training.train import TrainSummary, train


@pytest.fixture(scope="module")
def later_lake(demo_lake: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The demo lake some time later: other features and fewer labels are published."""
    lake = tmp_path_factory.mktemp("later") / "lake"
    left_out = shutil.ignore_patterns(
        "mlflow.db", "mlartifacts", "evaluation", "redis", "run", "source_data"
    )
    shutil.copytree(demo_lake.lake, lake, symlinks=True, ignore=left_out)
    settings = demo_lake.model_copy(update={"lake": lake})
    try:
        # the copied registry names the files of the other lake, where the first snapshot is current
        apply_definitions(settings, current_snapshot(settings))
        with warehouse(settings) as connection:
            connection.execute(
                "update features.ftr_users set user_views_30d = 1 + user_views_30d % 3"
            )
            connection.execute("delete from features.lbl_interactions where hash(user_id) % 2 = 0")
        apply_definitions(settings, take_snapshot(settings))
        assert current_snapshot(settings).hash != current_snapshot(demo_lake).hash
        yield settings
    finally:
        processes.stop_all(settings)  # applying definitions starts a Redis


@pytest.fixture(scope="module")
def again(demo_lake: Settings, later_lake: Settings) -> TrainSummary:
    hash = current_snapshot(demo_lake).hash
    definitions = later_lake.features / hash / "registry.db"
    before = sha256_of(definitions)
    summary = train(later_lake, features=hash[:8])
    assert sha256_of(definitions) == before, "Feast only read its registry"
    return summary


def by_kind(settings: Settings) -> dict[str, ModelVersion]:
    return {version.tags[registry.KIND]: version for version in model_versions(settings)}


def arrays(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def record(folder: Path) -> dict[str, object]:
    content = json.loads((folder / "model.json").read_text())
    content["facts"].pop("git_commit", None)
    return content


@pytest.mark.slow
def test_a_named_snapshot_gives_identical_factors_after_others_were_published(
    demo_lake: Settings, later_lake: Settings, again: TrainSummary
) -> None:
    first, second = by_kind(demo_lake), by_kind(later_lake)
    assert first.keys() == second.keys() == set(KINDS.names())
    for kind in first:
        before, after = arrays(first[kind].folder), arrays(second[kind].folder)
        assert before.keys() == after.keys()
        for name in before:
            assert before[name].tobytes() == after[name].tobytes(), f"{kind} {name}"
        # the record has the sha256 of each file, trees too; the code may be of another commit by now
        assert record(first[kind].folder) == record(second[kind].folder)
    for tag in (registry.TRAINING_HASH, registry.FEATURES_HASH, registry.FEATURES_AT):
        assert first["svd"].tags[tag] == second["svd"].tags[tag]


@pytest.mark.slow
def test_training_again_gives_the_metrics_that_mlflow_has_of_the_first_time(
    demo_lake: Settings, again: TrainSummary
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(demo_lake.mlflow_uri)
    for kind, version in by_kind(demo_lake).items():
        recorded = client.get_run(version.run_id).data.metrics
        for prefix, found in (("valid", again.validation), ("test", again.test)):
            repeated = found[kind].scores.named(prefix)
            assert repeated
            assert {name: recorded[name] for name in repeated} == repeated, kind


@pytest.mark.slow
def test_models_of_a_snapshot_that_is_not_current_serve_nobody(
    later_lake: Settings, again: TrainSummary
) -> None:
    with pytest.raises(NoChampion, match="alias"):
        registry.champion(later_lake)
    assert not again.serves
    assert registry.earlier_champions(later_lake) == ()
    assert "the champion stays" in again.result().detail


@pytest.mark.slow
def test_learning_leaves_the_snapshot_as_it_was(
    demo_lake: Settings, later_lake: Settings, again: TrainSummary
) -> None:
    hash = current_snapshot(demo_lake).hash
    files = sorted((demo_lake.features / hash).iterdir())
    assert [file.name for file in files] == sorted(
        file.name for file in (later_lake.features / hash).iterdir()
    )
    for file in files:
        if file.name != "registry.db":  # which names the lake
            assert sha256_of(file) == sha256_of(later_lake.features / hash / file.name), file.name


def test_a_model_names_its_snapshot_its_batches_moment_and_the_tables_it_read(
    demo_lake: Settings,
) -> None:
    snapshot = current_snapshot(demo_lake)
    versions = by_kind(demo_lake)
    for version in versions.values():
        assert version.tags[registry.FEATURES_HASH] == snapshot.hash
        assert version.tags[registry.FEATURES_AT] == snapshot.batches_at.isoformat()
    labels = "dim_products,dim_shop,fct_user_products,lbl_events,lbl_interactions"
    assert versions["svd"].tags[registry.READS] == labels
    features = "ftr_products,ftr_user_categories,ftr_users"
    assert set(versions["ranker"].tags[registry.READS].split(",")) == {
        *labels.split(","),
        *features.split(","),
    }


def test_training_from_a_hash_that_nothing_has_is_an_error(demo_lake: Settings) -> None:
    with pytest.raises(UnknownName, match="no snapshot has the hash 'ffff"):
        train(demo_lake, features="ffffffffffffffff")
