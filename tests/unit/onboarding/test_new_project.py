"""`recomart new`: what it writes, and what it refuses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import onboarding
from ingestion.shop_file import load_shop
from onboarding import new_project
from recomart.errors import ConfigurationError, UnknownName
from recomart.project import EXAMPLE_SHOPS
from recomart.settings import load_settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECOMART_SHOP", "RECOMART_LAKE", "RECOMART_DATA", "RECOMART_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("shop", sorted(path.stem for path in EXAMPLE_SHOPS.glob("*.yml")))
def test_settings_in_a_new_project_find_its_shop_and_lake(
    shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_project.from_example(tmp_path / "myshop", shop)
    inner = made.folder / "dbt_models"
    monkeypatch.chdir(inner)
    settings = load_settings()
    assert settings.project == made.folder
    assert settings.shop_file == made.folder / "shops" / f"{shop}.yml"
    assert settings.lake == made.folder / "recomart_lake" / shop
    assert settings.data == made.folder / "data"
    assert load_shop(settings).path == settings.shop_file


def test_every_commented_setting_can_be_switched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_project.from_example(tmp_path / "myshop", "demo")
    file = made.folder / "recomart.env"
    lines = file.read_text().splitlines()
    commented = [line.removeprefix("# ") for line in lines if line.startswith("# RECOMART_")]
    assert len(commented) >= 10
    on = [line for line in commented if "<" not in line]
    file.write_text("\n".join(["RECOMART_SHOP=demo", *on]) + "\n")
    monkeypatch.chdir(made.folder)
    assert load_settings() == load_settings(project=made.folder)
    assert load_settings().memory_limit == "2GB"


def test_git_ignores_the_lake_and_keeps_the_rest(tmp_path: Path) -> None:
    made = new_project.from_example(tmp_path / "myshop", "demo")
    (made.folder / "recomart_lake" / "demo").mkdir(parents=True)
    (made.folder / "recomart_lake" / "demo" / "lake.json").write_text("{}")
    subprocess.run(["git", "init", "-q"], cwd=made.folder, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=made.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "shops/demo.yml" in listed
    assert "recomart.env" in listed
    assert not [name for name in listed if name.startswith("recomart_lake")]


def test_a_folder_that_is_not_empty_is_refused_and_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "myshop"
    folder.mkdir()
    for number in range(7):
        (folder / f"notes{number}.txt").write_text("mine")
    before = contents(folder)
    with pytest.raises(ConfigurationError, match="not empty; nothing was written") as caught:
        new_project.from_example(folder, "demo")
    text = caught.value.render()
    assert str(folder) in text
    assert "notes0.txt" in text
    assert "and 2 more" in text
    assert "recomart shop init" in text
    assert contents(folder) == before


def test_an_empty_folder_and_a_fresh_repository_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    for name in ("empty", "repository"):
        assert new_project.from_example(tmp_path / name, "demo").shop == "demo"


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "myshop").write_text("mine")
    with pytest.raises(ConfigurationError, match="is a file, not a folder"):
        new_project.from_example(tmp_path / "myshop", "demo")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        new_project.from_example(tmp_path / "myshop" / "inner", "demo")


def test_an_unknown_example_names_the_nearest_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match='no example shop "movielens"') as caught:
        new_project.from_example(tmp_path / "myshop", "movielens")
    assert "did you mean movielens_100k?" in caught.value.render()
    assert not (tmp_path / "myshop").exists()


def test_a_shop_with_external_data_says_which_files_to_fetch(tmp_path: Path) -> None:
    made = new_project.from_example(tmp_path / "myshop", "movielens_100k")
    assert any("data/" in note and "ml-100k/u.data" in note for note in made.notes)


def test_own_files_become_the_shop_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "acme"
    files.mkdir()
    (files / "ratings.csv").write_text(
        "user_id,product_id,rating,rated_at\n"
        "u1,p1,5,2026-01-01 10:00:00\nu2,p2,3,2026-01-02 11:00:00\n"
    )
    made = new_project.from_draft(tmp_path / "myshop", onboarding.init(files))
    monkeypatch.chdir(made.folder)
    settings = load_settings()
    assert settings.shop == "acme"
    assert "ratings" in load_shop(settings).shop.sources()


def test_stock_feast_reads_the_new_shops_registry(tmp_path: Path) -> None:
    made = new_project.from_example(tmp_path / "myshop", "taobao")
    text = (made.folder / "feature_repo" / "feature_store.stock.yaml").read_text()
    assert "project: recomart_taobao" in text
    assert "registry: ../recomart_lake/taobao/registry.db" in text
