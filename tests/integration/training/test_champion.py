"""Which version serves, chosen by hand: a registry of MLflow with three small models."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from feature_store.snapshots import RECORD
from orchestration.cli import app
from recomart.errors import ModelDamaged, NoChampion, SnapshotDamaged, UnknownName
from recomart.files import sha256_of
from recomart.settings import Settings, load_settings
from training import artifact, promotion, registry
from training.artifact import Artifact
from training.interactions import Index
from training.kinds.popularity import Popularity
from training.mlflow_store import open_mlflow
from training.recipe import RECIPE, recipe_hash, trained_already

SNAPSHOT = "0123456789abcdef"


def register(settings: Settings, client: object, folder: Path, snapshot: str = SNAPSHOT) -> str:
    """A registered popular list, as training registers its models."""
    ones = np.ones(3)
    popular = Popularity(ones, ones, ones, (1.0, 5.0))
    fitted = Artifact("popularity", Index([]), Index("abc"), popular, popular)
    sha256 = artifact.save(fitted, folder / "artifacts" / registry.ARTIFACT_FOLDER)
    version = client.create_model_version(  # type: ignore[attr-defined]  # an MlflowClient
        registry.REGISTERED_MODEL,
        source=folder.as_uri(),
        tags={
            registry.KIND: "popularity",
            registry.SHA256: sha256,
            registry.FEATURES_HASH: snapshot,
            registry.PROTOCOL: "time",
            registry.TEST_CUT: "2026-03-01T00:00:00",
            registry.VALIDATION_NDCG: "0.171",
            registry.LIFT: "+0.080 [+0.060, +0.101]",
            RECIPE: recipe_hash(settings),
        },
    )
    return str(version.version)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Versions 1, 2 and 3, of which 3 is champion as training named it; 2's snapshot is gone."""
    settings = load_settings(shop="demo", lake=tmp_path_factory.mktemp("champion") / "lake")
    kept = settings.features / SNAPSHOT
    kept.mkdir(parents=True)
    (kept / RECORD).write_text("{}")
    with open_mlflow(settings) as (_, client):
        client.create_registered_model(registry.REGISTERED_MODEL)
        for number, snapshot in ((1, SNAPSHOT), (2, "gone"), (3, SNAPSHOT)):
            register(settings, client, settings.lake / f"model-{number}", snapshot)
            if number != 2:
                promotion.name_champion(settings, client, str(number))
    return settings


@pytest.fixture
def settings(
    template: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The registry, put back afterwards: it names files by their absolute places."""
    saved, lake = tmp_path / "saved", template.lake
    shutil.copytree(lake, saved)
    for name, value in template.environment().items():
        monkeypatch.setenv(name, value)
    yield template
    for folder in ("features", "model-1"):
        shutil.rmtree(lake / folder)
        shutil.copytree(saved / folder, lake / folder)
    # into the same file, which MLflow keeps open
    with (
        closing(sqlite3.connect(saved / "mlflow.db")) as before,
        closing(sqlite3.connect(lake / "mlflow.db")) as now,
    ):
        before.backup(now)


def serving(settings: Settings) -> str:
    return registry.champion(settings).version


def test_a_version_is_promoted_and_rolled_back_step_by_step(settings: Settings) -> None:
    assert (serving(settings), registry.earlier_champions(settings)) == ("3", ("1", "3"))
    promotion.promote(settings, "1")
    assert serving(settings) == "1"
    for expected in ("3", "1"):
        before, now = promotion.rollback(settings)
        assert (serving(settings), now.version) == (expected, expected)
        assert before.version != now.version
    with pytest.raises(NoChampion, match="no version was champion before version 1"):
        promotion.rollback(settings)
    assert serving(settings) == "1"


def test_promoting_the_champion_changes_nothing(settings: Settings) -> None:
    promotion.promote(settings, "3")
    assert (serving(settings), registry.earlier_champions(settings)) == ("3", ("1", "3"))


def test_an_alias_that_was_moved_on_mlflows_page_is_rolled_back_too(settings: Settings) -> None:
    with open_mlflow(settings) as (_, client):
        client.set_registered_model_alias(registry.REGISTERED_MODEL, registry.CHAMPION, "1")
    promotion.promote(settings, "3")
    promotion.rollback(settings)
    assert serving(settings) == "1"


def test_a_killed_promotion_is_rolled_back_not_forward(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(promotion, "_remember", killed)
        with pytest.raises(KeyboardInterrupt):
            promotion.promote(settings, "1")
    assert serving(settings) == "1"
    promotion.rollback(settings)
    assert serving(settings) == "3"


def test_a_killed_rollback_leaves_the_champion_and_can_be_repeated(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(promotion, "_point", killed)
        with pytest.raises(KeyboardInterrupt):
            promotion.rollback(settings)
    assert serving(settings) == "3"
    promotion.rollback(settings)
    assert serving(settings) == "1"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("file", ["model.json", "arrays.npz"])
def test_a_version_with_damaged_or_lost_files_never_serves(
    settings: Settings, file: str, force: bool
) -> None:
    path = registry.version_of(settings, "1").folder / file
    if force:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelDamaged, match=file.replace(".", r"\.")):
        promotion.promote(settings, "1", force=force)
    with pytest.raises(ModelDamaged):
        promotion.rollback(settings, force=force)
    assert serving(settings) == "3"


def test_a_version_whose_snapshot_is_gone_serves_only_by_force(settings: Settings) -> None:
    with pytest.raises(SnapshotDamaged, match="version 2 learned from are gone") as refused:
        promotion.promote(settings, "2")
    assert "--force" in refused.value.render()
    assert serving(settings) == "3"
    promotion.promote(settings, "2", force=True)
    assert serving(settings) == "2"


def test_a_version_of_a_kind_that_is_gone_never_serves(settings: Settings) -> None:
    version = registry.version_of(settings, "1")
    record = version.folder / "model.json"
    content = json.loads(record.read_text()) | {"kind": "popularty"}
    record.write_text(json.dumps(content))
    with open_mlflow(settings) as (_, client):
        sha256 = sha256_of(record)
        client.set_model_version_tag(registry.REGISTERED_MODEL, "1", registry.SHA256, sha256)
    with pytest.raises(UnknownName, match='no kind of model "popularty"'):
        promotion.promote(settings, "1", force=True)
    assert serving(settings) == "3"


def test_a_version_that_is_not_there_is_an_error_that_lists_those_that_are(
    settings: Settings,
) -> None:
    with pytest.raises(UnknownName, match="1 to 3"):
        promotion.promote(settings, "12")


def test_what_was_rolled_back_is_not_trained_again_from_the_same_features(
    settings: Settings,
) -> None:
    (settings.features / SNAPSHOT / RECORD).write_text(
        json.dumps(
            {
                "hash": SNAPSHOT,
                "shop": "demo",
                "as_of": "2026-03-31T00:00:00+00:00",
                "published_at": "2026-03-31T00:00:00+00:00",
                "rows": {},
            }
        )
    )
    (settings.features / "current").symlink_to(SNAPSHOT)
    promotion.promote(settings, "2", force=True)  # of other features
    found = trained_already(settings)
    assert found is not None
    assert found.version == "2"


def test_the_list_names_kind_snapshot_protocol_cut_and_lift(settings: Settings) -> None:
    shown = CliRunner().invoke(app, ["champion"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].split() == [
        "▸", "3", "popularity", "01234567", "time", "2026-03-01", "0.171", "+0.080", "[+0.060,",
        "+0.101]",
    ]  # fmt: skip
    assert lines[2].split()[:2] == ["·", "1"]
    assert "1 more with --all" in shown.output
    every = CliRunner().invoke(app, ["champion", "--all"], env={"COLUMNS": "80"})
    assert [line[2] for line in every.output.splitlines()[1:4]] == ["3", "2", "1"]


def test_the_verbs_say_what_serves(settings: Settings) -> None:
    run = CliRunner()
    assert run.invoke(app, ["champion", "promote", "1"]).output == "popularity v1 serves now\n"
    back = run.invoke(app, ["champion", "rollback"]).output
    assert back == "popularity v3 serves now, in place of popularity v1\n"
    refused = run.invoke(app, ["champion", "promote", "2"])
    assert isinstance(refused.exception, SnapshotDamaged)
