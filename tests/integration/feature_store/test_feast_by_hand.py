"""Feast's own command line and plain Feast, over what RecoMart published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feature_store.online.lookup import OnlineFeatures
from feature_store.online.redis import connect, start_embedded
from feature_store.publish.publisher import publish
from feature_store.stores import open_store
from recomart.errors import NothingPublished
from recomart.project import FEATURE_REPO
from recomart.settings import Settings

STOCK = FEATURE_REPO / "feature_store.stock.yaml"


def feast(settings: Settings, *commands: list[str]) -> str:
    """Run commands of `feast` in feature_repo/, in one process: importing Feast takes seconds."""
    code = (
        "import sys, json; from feast.cli.cli import cli\n"
        "for command in json.loads(sys.argv[1]): cli(command, standalone_mode=False)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(commands)],
        cwd=FEATURE_REPO,
        env=os.environ | settings.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_feast_apply_and_materialize_work_by_hand(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    expected = {key: client.hgetall(key) for key in client.scan_iter("*recomart_demo")}
    client.flushall()

    out = feast(settings, ["apply"], ["materialize", "2020-01-01T00:00:00", "2024-04-25T12:00:00"])

    assert "Applying changes for project recomart_demo" in out
    found = {key: client.hgetall(key) for key in client.scan_iter("*recomart_demo")}
    assert found == expected, "plain materialize writes the bytes that publish writes"


def test_the_next_publish_is_right_after_a_materialize_by_hand(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    before = {key: client.hgetall(key) for key in client.scan_iter("*recomart_demo")}
    client.flushall()

    open_store(settings).materialize(
        datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 4, 15, tzinfo=UTC)
    )
    publish(settings)

    after = {key: client.hgetall(key) for key in client.scan_iter("*recomart_demo")}
    assert after == before
    assert OnlineFeatures(settings).read("ftr_users", ["u1"]).found.all()


def test_plain_feast_reads_the_same_data(
    published: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from feast import FeatureStore

    monkeypatch.chdir(FEATURE_REPO)
    port = start_embedded(published).port
    text = STOCK.read_text()
    for default, here in (
        ("../recomart_lake/demo/registry.db", str(published.registry)),
        ("127.0.0.1:6380", f"127.0.0.1:{port}"),
    ):
        assert default in text
        text = text.replace(default, here)
    (tmp_path / "stock.yaml").write_text(text)
    stock = FeatureStore(repo_path=str(FEATURE_REPO), fs_yaml_file=tmp_path / "stock.yaml")
    ours = open_store(published)
    as_of = datetime(2024, 4, 25, 12, tzinfo=UTC)
    asked = {"user_id": "u7", "product_id": "p1", "category": "toys", "as_of": as_of}

    answers = [
        store.get_online_features(
            features=store.get_feature_service("recommendation_v1"), entity_rows=[asked]
        ).to_dict()
        for store in (stock, ours)
    ]

    assert "recomart." not in STOCK.read_text()
    assert answers[0] == answers[1]
    assert answers[0]["product_mean_rating"][0] is not None


def test_the_project_of_feature_store_yaml_follows_the_shop(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from feast.repo_config import load_repo_config

    monkeypatch.setenv("RECOMART_LAKE", str(settings.lake))
    for shop, project in (("movielens_100k", "recomart_movielens_100k"), ("", "recomart_demo")):
        if shop:
            monkeypatch.setenv("RECOMART_SHOP", shop)
        else:
            monkeypatch.delenv("RECOMART_SHOP")
        config = load_repo_config(FEATURE_REPO, FEATURE_REPO / "feature_store.yaml")
        assert config.project == project


def test_other_projects_keep_their_names(settings: Settings) -> None:
    from feast import RepoConfig

    open_store(settings)
    config = RepoConfig(project="somebodys", provider="local", registry="r.db")

    assert config.project == "somebodys"


def test_feast_imports_nothing_here_but_the_definitions() -> None:
    from feast.repo_operations import get_repo_files

    assert [path.name for path in get_repo_files(FEATURE_REPO)] == ["definitions.py"]


def test_definitions_before_the_first_publish_say_what_to_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMART_LAKE", str(settings.lake))
    monkeypatch.delitem(sys.modules, "feature_repo.definitions", raising=False)
    with pytest.raises(NothingPublished, match="no tested features") as caught:
        import feature_repo.definitions  # noqa: F401

    assert "recomart publish" in (caught.value.help or "")
