"""What a new package, file or dependency must be added to, so that none of it is forgotten."""

from __future__ import annotations

import ast
import configparser
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from recomart.settings import PROJECT_ROOT

NOT_INSTALLED = {"benchmarks", "tests"}
"""Packages that work in a checkout alone."""
COME_ALONG = {"google", "ibis", "typeguard", "pydantic_core"}
"""Modules of Feast and pydantic that come with them, in the version that they ask for."""


@pytest.fixture(scope="module")
def pyproject() -> dict:
    return tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def packages() -> set[str]:
    return {path.parent.name for path in PROJECT_ROOT.glob("*/__init__.py")} - {"tests"}


def test_every_package_is_in_the_wheel_and_typed(pyproject: dict, packages: set[str]) -> None:
    wheel = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = {"dbt_project", "feature_repo", "shops"}
    assert set(wheel["only-include"]) == (packages - NOT_INSTALLED) | folders
    assert set(wheel["sources"]) == folders
    untyped = [
        name
        for name in packages - NOT_INSTALLED
        if not (PROJECT_ROOT / name / "py.typed").is_file()
    ]
    assert untyped == []


def test_every_package_is_checked(pyproject: dict, packages: set[str]) -> None:
    tool = pyproject["tool"]
    assert set(tool["mypy"]["packages"]) == packages
    assert set(tool["ruff"]["lint"]["isort"]["known-first-party"]) == packages
    assert set(tool["coverage"]["run"]["source"]) == packages - NOT_INSTALLED
    linter = configparser.ConfigParser()
    linter.read(PROJECT_ROOT / ".importlinter")
    assert set(linter["importlinter"]["root_packages"].split()) == packages


def test_locks_carry_hashes_and_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (PROJECT_ROOT / name).read_text()
        assert not re.search(r"https?://|file:/|--(extra-)?index-url|--find-links", text), name
        assert text.count("\n    --hash=sha256:") > len(re.findall(r"^[a-z0-9].*==", text, re.M))


def names(requirements: list[str]) -> set[str]:
    """The packages' names, as pip compares them."""
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in requirements)
    return {match[0].lower().replace("_", "-").replace(".", "-") for match in found if match}


def imported_modules(package: str) -> set[str]:
    """The top-level modules that a package imports anywhere, inside of functions too."""
    found = set()
    for path in (PROJECT_ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def test_every_import_is_a_direct_dependency(pyproject: dict, packages: set[str]) -> None:
    project = pyproject["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    declared = names([*project["dependencies"], *extras])
    ours_or_pythons = packages | set(sys.stdlib_module_names) | COME_ALONG
    distributions = packages_distributions()
    missing = {
        module: package
        for package in packages - NOT_INSTALLED
        for module in imported_modules(package) - ours_or_pythons
        if not names(distributions.get(module, [])) & declared
    }
    assert missing == {}


def test_every_direct_dependency_is_locked(pyproject: dict) -> None:
    project = pyproject["project"]
    run = names(project["dependencies"])
    extras = names([line for extra in project["optional-dependencies"].values() for line in extra])
    dev = names(pyproject["dependency-groups"]["dev"])
    for file, wanted in (("requirements.txt", run), ("requirements-dev.txt", run | extras | dev)):
        lines = (PROJECT_ROOT / file).read_text().splitlines()
        assert wanted <= names([line for line in lines if "==" in line]), file
