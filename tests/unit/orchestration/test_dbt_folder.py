"""The dbt project that runs: RecoMart's own, or one of links that adds the user's models."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestration import transform
from orchestration.dbt_folder import project_folder
from recomart.project import DBT_PROJECT
from recomart.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("RECOMART_SHOP", raising=False)
    return load_settings(project=tmp_path, lake=tmp_path / "lake")


def test_without_own_models_dbt_runs_the_shipped_project(settings: Settings) -> None:
    assert project_folder(settings) == DBT_PROJECT
    assert not settings.lake.exists()


def test_own_models_are_linked_next_to_the_shipped_ones(settings: Settings) -> None:
    own = settings.project / "dbt_models"
    own.mkdir()
    (own / "mine.sql").write_text("select 1 as one")
    folder = project_folder(settings)
    assert folder.is_relative_to(settings.lake)
    assert (folder / "dbt_models" / "mine.sql").resolve() == own / "mine.sql"
    assert (folder / "models" / "features" / "ftr_users.sql").is_file()
    assert (folder / "dbt_project.yml").is_file()


def test_links_follow_an_upgrade(settings: Settings) -> None:
    (settings.project / "dbt_models").mkdir()
    folder = project_folder(settings)
    (folder / "models").unlink()
    (folder / "models").symlink_to("/an/older/version/models")
    (folder / "seeds").symlink_to("/an/older/version/seeds")
    assert project_folder(settings) == folder
    assert (folder / "models").resolve() == DBT_PROJECT / "models"
    assert not (folder / "seeds").is_symlink()


def test_a_failed_model_of_the_user_is_named_by_their_file(settings: Settings) -> None:
    own = settings.project / "dbt_models"
    own.mkdir()
    (own / "mine.sql").write_text("select 1 as one")
    node = SimpleNamespace(
        name="mine", unique_id="model.recomart.mine", original_file_path="dbt_models/mine.sql"
    )
    failed = SimpleNamespace(status="error", node=node, message="Parser Error")
    outcome = SimpleNamespace(exception=None, result=SimpleNamespace(results=[failed]))
    text = transform._failure(settings, outcome).render()
    assert f"--> {own / 'mine.sql'}" in text
    assert "recomart dbt build --select mine" in text
