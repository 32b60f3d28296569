"""Recommendations from a trained lake, and the registry behind them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from feature_store.online.redis import connect
from feature_store.realtime.clock import DAY, micros_of
from feature_store.realtime.layout import StateLayout, encode_event
from feature_store.snapshots import current_snapshot
from recomart.errors import ModelDamaged, NoChampion
from recomart.settings import Settings
from training import registry
from training.artifact import Artifact, load
from training.interactions import Index
from training.kinds import KINDS
from training.labels import load_catalogue, owned_by
from training.recommend import recommend
from training.recommender import Recommender
from training.registry import champion

REGISTERED = f"models:/{registry.REGISTERED_MODEL}"


@pytest.fixture(scope="module")
def user(demo_lake: Settings) -> str:
    """The user who owns most."""
    owned = pq.read_table(current_snapshot(demo_lake).folder / "fct_user_products.parquet")
    counts = owned.group_by("user_id").aggregate([("product_id", "count")])
    return counts.sort_by([("product_id_count", "descending"), ("user_id", "ascending")])[
        "user_id"
    ][0].as_py()


def test_a_known_user_gets_ten_products_of_the_catalogue_that_they_do_not_have(
    demo_lake: Settings, user: str
) -> None:
    found = recommend(demo_lake, user)
    assert (found.known, found.kind) == (True, champion(demo_lake).tags["kind"])
    assert found.model_version == champion(demo_lake).version
    products = [item.product_id for item in found.items]
    assert len(set(products)) == 10
    snapshot = current_snapshot(demo_lake).folder
    assert len(owned_by(snapshot, user)) > 10
    assert not set(products) & set(owned_by(snapshot, user))
    catalogue = load_catalogue(snapshot)
    assert [(item.title, item.category) for item in found.items] == [
        catalogue[product] for product in products
    ]
    scores = [item.score for item in found.items]
    assert scores == sorted(scores, reverse=True)
    assert all(item.reason for item in found.items)


def test_what_a_user_bought_a_moment_ago_leaves_the_list_unless_it_may_be_bought_again(
    demo_lake: Settings, user: str
) -> None:
    before = [item.product_id for item in recommend(demo_lake, user).items]
    now = micros_of(datetime.now(UTC))
    client, layout = connect(demo_lake), StateLayout(demo_lake.feast_project)
    just_now = layout.user_key(now // DAY, user)
    registered = champion(demo_lake)
    grocer = Recommender(demo_lake, load(registered.folder), registered.version)
    grocer._rules = replace(grocer._rules, repeat_purchases=True)
    again = [item.product_id for item in grocer.recommend(user, 10).items]
    try:
        client.hset(just_now, "bought", encode_event(now, "purchase", before[0], None))
        client.hset(just_now, "seen", encode_event(now, "view", before[1], None))
        client.hset(just_now, "again", encode_event(now, "purchase", again[0], None))
        after = [item.product_id for item in recommend(demo_lake, user).items]
        still = [item.product_id for item in grocer.recommend(user, 10).items]
    finally:
        client.delete(just_now)
    gone = {before[0], again[0]}
    assert len(set(after)) == 10
    assert not gone & set(after)
    assert before[1] in after, "what was only looked at stays"
    assert again[0] in still


def test_the_same_question_gets_the_same_answer(demo_lake: Settings, user: str) -> None:
    assert recommend(demo_lake, user, 5) == recommend(demo_lake, user, 5)
    assert recommend(demo_lake, user, 5).items == recommend(demo_lake, user, 10).items[:5]


def test_an_unknown_user_gets_the_popular_list_and_is_told_so(demo_lake: Settings) -> None:
    found = recommend(demo_lake, "nobody-of-that-name")
    assert (found.known, found.kind, len(found.items)) == (False, "popularity", 10)
    assert "popular" in found.items[0].reason


def test_what_a_user_has_fills_the_list_when_k_is_the_whole_catalogue(
    demo_lake: Settings, user: str
) -> None:
    snapshot = current_snapshot(demo_lake).folder
    found = recommend(demo_lake, user, 100_000)
    catalogue = set(load_catalogue(snapshot))
    assert {item.product_id for item in found.items} == catalogue - set(owned_by(snapshot, user))


def test_ties_go_to_the_lower_product_id(demo_lake: Settings) -> None:
    registered = champion(demo_lake)
    fitted = load(registered.folder)
    flat = fitted.popularity.popularity * 0.0
    from dataclasses import replace

    equal = replace(fitted.popularity, popularity=flat)
    tied = Artifact("popularity", Index([]), fitted.products, equal, equal)
    found = Recommender(demo_lake, tied, "0").recommend("nobody", 10)
    products = [item.product_id for item in found.items]
    assert products == sorted(load_catalogue(current_snapshot(demo_lake).folder))[:10]


def test_without_a_model_the_error_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(NoChampion, match="recomart train"):
        recommend(settings, "u1")


def test_a_changed_artifact_is_refused(demo_lake: Settings, tmp_path: Path) -> None:
    registered = champion(demo_lake)
    copied = tmp_path / "model"
    copied.mkdir()
    for file in registered.folder.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    load(copied, sha256=registered.tags[registry.SHA256])
    record = copied / "model.json"
    record.write_text(record.read_text().replace('"shop"', '"sHop"'))
    with pytest.raises(ModelDamaged, match=r"model\.json"):
        load(copied, sha256=registered.tags[registry.SHA256])


def test_the_registry_read_directly_says_what_mlflow_says(demo_lake: Settings) -> None:
    import mlflow

    client = mlflow.MlflowClient(demo_lake.mlflow_uri, demo_lake.mlflow_uri)
    theirs = client.get_model_version_by_alias(registry.REGISTERED_MODEL, registry.CHAMPION)
    ours = champion(demo_lake)
    assert (ours.version, ours.tags) == (str(theirs.version), theirs.tags)
    uri = client.get_model_version_download_uri(registry.REGISTERED_MODEL, theirs.version)
    assert ours.folder.is_relative_to(Path(uri.removeprefix("file://")))
    svd = client.get_model_version_by_alias(registry.REGISTERED_MODEL, registry.NEWEST_SVD)
    assert svd.tags["kind"] == "svd"
    challenger = client.get_model_version_by_alias(registry.REGISTERED_MODEL, registry.CHALLENGER)
    assert challenger.version != theirs.version


def test_every_kind_is_tracked_with_metrics_hashes_and_plots(demo_lake: Settings) -> None:
    import mlflow

    client = mlflow.MlflowClient(demo_lake.mlflow_uri, demo_lake.mlflow_uri)
    versions = client.search_model_versions(f"name = '{registry.REGISTERED_MODEL}'")
    assert {v.tags["kind"] for v in versions} == set(KINDS.names())
    for version in versions:
        run = client.get_run(version.run_id)
        stars = ("rmse", "mae") if version.tags["kind"] in ("popularity", "bias", "svd") else ()
        for metric in (*stars, "precision_at_10", "recall_at_10", "ndcg_at_10"):
            assert run.data.metrics[f"valid_{metric}"] > 0
            assert run.data.metrics[f"test_{metric}"] > 0
        assert ("test_rmse" in run.data.metrics) == bool(stars)
        assert 0 < run.data.metrics["test_map_at_10"] <= run.data.metrics["test_ndcg_at_10"]
        assert 0 < run.data.metrics["test_coverage_at_10"] <= 1
        assert run.data.tags["features_hash"] == current_snapshot(demo_lake).hash
        parent = run.data.tags["mlflow.parentRunId"]
        plots = {Path(file.path).name for file in client.list_artifacts(parent, "plots")}
        assert plots == {
            "learning_curve.png",
            "rating_errors.png",
            "predicted_vs_actual.png",
            "ndcg_by_kind.png",
        }


def test_mlflow_loads_the_champion_in_another_process_and_folder(
    demo_lake: Settings, user: str, tmp_path: Path
) -> None:
    script = (
        "import mlflow, pandas as pd\n"
        f"mlflow.set_tracking_uri({demo_lake.mlflow_uri!r})\n"
        f"model = mlflow.pyfunc.load_model('{REGISTERED}@champion')\n"
        f"lists = model.predict(pd.DataFrame({{'user_id': [{user!r}, 'nobody']}}), "
        "params={'k': 3})\n"
        "print(lists.to_csv(index=False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, **demo_lake.environment(), "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert lines[0] == "user_id,place,product_id,score,reason"
    ours = [item.product_id for item in recommend(demo_lake, user, 3).items]
    assert [line.split(",")[2] for line in lines[1:4]] == ours
    assert [line.split(",")[0] for line in lines[4:]] == ["nobody"] * 3


def test_no_artifact_holds_a_pickle(demo_lake: Settings) -> None:
    names = {path.suffix for path in demo_lake.mlflow_artifacts.rglob("*") if path.is_file()}
    assert not names & {".pkl", ".pickle", ".joblib", ".cloudpickle"}
    assert {".npz", ".json", ".txt"} <= names
