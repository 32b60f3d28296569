"""docs/extending.md: its examples are complete entries of their registries."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from recomart.registry import Registry
from recomart.settings import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
REGISTRIES = {
    "A kind of source": ("ingestion.sources", "SOURCES", "sqlite"),
    "A kind of model": ("training.kinds", "KINDS", "oldest"),
    "A kind of rule": ("recomart.rules.kind", "RULE_KINDS", "matches"),
    "A page of the report": ("quality.report.page", "PAGES", "stock"),
}


def blocks(section: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", SECTIONS[section], re.M | re.S)
    assert found, (section, language)
    return found


@pytest.mark.parametrize("section", REGISTRIES)
def test_an_example_is_a_complete_entry(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module_name, variable, name = REGISTRIES[section]
    registry: Registry = getattr(importlib.import_module(module_name), variable)
    assert name not in registry
    path = tmp_path / f"{name}_of_the_page.py"
    path.write_text(blocks(section, "python")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(path.stem)
    assert registry._entry_of(module).name == name


def test_a_kind_of_rule_has_its_macro() -> None:
    assert "{% macro rule_matches(rule) -%}" in blocks("A kind of rule", "sql")[0]


@pytest.mark.parametrize("section", ["A step", "A derived feature"])
def test_other_examples_are_python(section: str) -> None:
    for block in blocks(section, "python"):
        ast.parse(block)


def test_every_row_of_the_table_has_its_section() -> None:
    linked = re.findall(r"^\| \[([^\]]+)\]\(#", PAGE, re.M)
    assert [row.capitalize() for row in linked] == [
        section for section in SECTIONS if section != "From your own package"
    ]
