import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recomart.errors import ConfigurationError
from recomart.settings import PROJECT_ROOT, Settings, load_settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RECOMART_")]:
        monkeypatch.delenv(name)


def test_defaults_are_the_demo_shop_in_the_project() -> None:
    settings = load_settings()
    assert settings.shop_file == PROJECT_ROOT / "shops" / "demo.yml"
    assert settings.lake == PROJECT_ROOT / "recomart_lake" / "demo"
    assert settings.data == PROJECT_ROOT / "data"


def test_lake_follows_the_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMART_SHOP", "/elsewhere/acme.yml")
    settings = load_settings()
    assert settings.lake == PROJECT_ROOT / "recomart_lake" / "acme"
    assert settings.shop_file == Path("/elsewhere/acme.yml")
    assert settings.feast_project == "recomart_acme"


def test_relative_lake_means_the_project_root_from_any_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECOMART_LAKE", "somewhere")
    monkeypatch.chdir(tmp_path)
    assert load_settings().lake == PROJECT_ROOT / "somewhere"


def test_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMART_THREADS", "many")
    with pytest.raises(ConfigurationError, match="RECOMART_THREADS"):
        load_settings()


def test_child_process_sees_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parent = load_settings(shop="demo", lake=tmp_path / "lake", memory_limit="1GB")
    code = "from recomart.settings import load_settings as l; print(l().model_dump_json())"
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **parent.environment()},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == parent.model_dump_json()


def test_every_setting_is_in_the_documentation() -> None:
    page = (PROJECT_ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(RECOMART_[A-Z_]+)` \|", page, re.M))
    assert table == {f"RECOMART_{name.upper()}" for name in Settings.model_fields}


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
