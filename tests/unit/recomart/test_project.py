"""How the project folder and its settings file are found, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recomart import project
from recomart.errors import ConfigurationError
from recomart.settings import PROJECT_ROOT, load_settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RECOMART_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def myshop(tmp_path: Path) -> Path:
    folder = tmp_path / "myshop"
    folder.mkdir()
    (folder / "recomart.env").write_text("RECOMART_SHOP=taobao\nRECOMART_SEED=3\n")
    return folder


def test_the_checkout_is_the_project_from_any_folder_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert project.find_project() == PROJECT_ROOT


def test_the_environment_wins_over_the_projects_file(
    myshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(myshop)
    monkeypatch.setenv("RECOMART_SEED", "11")
    settings = load_settings()
    assert (settings.shop, settings.seed) == ("taobao", 11)
    assert settings.lake == myshop / "recomart_lake" / "taobao"
    assert load_settings(seed=5).seed == 5


def test_project_variable_wins_over_the_current_folder(
    myshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(myshop)
    monkeypatch.setenv("RECOMART_PROJECT", str(other))
    assert load_settings().lake == other / "recomart_lake" / "demo"


def test_project_variable_without_a_folder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMART_PROJECT", str(tmp_path / "gone"))
    with pytest.raises(ConfigurationError, match="does not exist") as caught:
        load_settings()
    assert "recomart new" in caught.value.render()


def test_a_wheel_outside_of_any_project_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "IN_CHECKOUT", False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="this folder has no shop") as caught:
        load_settings()
    text = caught.value.render()
    assert str(tmp_path) in text
    assert "recomart new FOLDER" in text


def test_a_setting_that_does_not_exist_names_its_line_and_the_nearest(
    myshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (myshop / "recomart.env").write_text("# mine\nRECOMART_SHOP=demo\nRECOMART_LAKES=/x\n")
    monkeypatch.chdir(myshop)
    with pytest.raises(ConfigurationError, match="no setting RECOMART_LAKES") as caught:
        load_settings()
    text = caught.value.render()
    assert f"{myshop / 'recomart.env'}:3" in text
    assert "did you mean RECOMART_LAKE?" in text


def test_a_wrong_value_in_the_file_names_its_variable(
    myshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (myshop / "recomart.env").write_text("RECOMART_SCALE=-1\n")
    monkeypatch.chdir(myshop)
    with pytest.raises(ConfigurationError, match="RECOMART_SCALE"):
        load_settings()
