"""dbt by hand, without Python's settings, finds the same lake and repeats the same words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment
from ruamel.yaml import YAML

from recomart.settings import PROJECT_ROOT, load_settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


def _profile(environment: dict[str, str]) -> tuple[Path, str]:
    """Warehouse and memory limit of profiles.yml, as dbt renders them in dbt_project/."""
    profile = YAML(typ="safe").load((DBT_PROJECT / "profiles.yml").read_text())
    lake = profile["recomart"]["outputs"]["lake"]
    jinja = Environment()

    def render(text: str) -> str:
        return jinja.from_string(text).render(
            env_var=lambda name, default=None: environment.get(name, default)
        )

    return (DBT_PROJECT / render(lake["path"]).strip()).resolve(), render(
        lake["settings"]["memory_limit"]
    )


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"RECOMART_SHOP": "movielens_100k"},
        {"RECOMART_SHOP": "../elsewhere/acme.shop.yml"},
        {"RECOMART_SHOP": "/somewhere/acme.yml", "RECOMART_MEMORY_LIMIT": "500MB"},
        {"RECOMART_LAKE": "lakes/one"},
        {"RECOMART_LAKE": "/tmp/lakes/one", "RECOMART_SHOP": "demo"},
        {"RECOMART_LAKE": ""},
        {"RECOMART_PROJECT": "/tmp", "RECOMART_SHOP": "acme"},
        {"RECOMART_PROJECT": "/tmp", "RECOMART_LAKE": "lakes/one"},
    ],
)
def test_profile_agrees_with_settings(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name in ("RECOMART_PROJECT", "RECOMART_SHOP", "RECOMART_LAKE", "RECOMART_MEMORY_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert _profile(environment) == (settings.warehouse, settings.memory_limit)


def test_only_staging_reads_the_raw_layer() -> None:
    readers = {
        path.parent.name
        for path in (DBT_PROJECT / "models").rglob("*.sql")
        if "source(" in path.read_text()
    }
    assert readers == {"staging"}


def test_nothing_reads_the_wall_clock() -> None:
    clocks = re.compile(r"current_(date|timestamp)|\bnow\(|getdate|\btoday\(", re.IGNORECASE)
    found = [
        p.name for p in (DBT_PROJECT / "models").rglob("*.sql") if clocks.search(p.read_text())
    ]
    assert found == []


def test_every_model_and_column_is_described_and_says_its_grain() -> None:
    yaml = YAML(typ="safe")
    models = [
        model
        for path in (DBT_PROJECT / "models").rglob("_*__models.yml")
        for model in yaml.load(path.read_text())["models"]
    ]
    files = {path.stem for path in (DBT_PROJECT / "models").rglob("*.sql")}
    assert {model["name"] for model in models} == files
    for model in models:
        assert model["description"].startswith("One row"), model["name"]
        for column in model["columns"]:
            assert column["description"].strip(), (model["name"], column["name"])
