"""Extension points: an entry is one module, and no module is skipped in silence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from recomart.errors import ExtensionError, UnknownName
from recomart.registry import Registry

GOOD = """
class Entry:
    name = "{name}"
    def open(self): return "{name} is open"

SHAPE = Entry()
"""


class Shape(Protocol):
    name: str

    def open(self) -> str: ...


@pytest.fixture
def registry_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Registry[Shape]]]:
    """A registry over a package `shapes` with these modules."""

    def make(**modules: str) -> Registry[Shape]:
        package = tmp_path / "shapes"
        package.mkdir()
        for name, text in {"__init__": "", **modules}.items():
            (package / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return Registry("kind of shape", "shapes", "SHAPE", Shape)

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "shapes"]:
        del sys.modules[name]


def test_each_module_is_an_entry_and_helpers_are_not(registry_of) -> None:
    registry = registry_of(b=GOOD.format(name="box"), a=GOOD.format(name="ring"), _helper="x = 1")

    assert registry.names() == ("box", "ring")
    assert registry.get("ring").open() == "ring is open"
    assert "box" in registry
    assert "sphere" not in registry


def test_an_unknown_name_lists_the_registered_ones_and_the_nearest(registry_of) -> None:
    registry = registry_of(a=GOOD.format(name="box"), b=GOOD.format(name="ring"))

    with pytest.raises(UnknownName) as caught:
        registry.get("rings", where="shops/acme.yml:3")

    assert str(caught.value).splitlines() == [
        'error[unknown-kind-of-shape]: there is no kind of shape "rings"',
        "  --> shops/acme.yml:3",
        "  found: registered: box, ring",
        '  help: did you mean "ring"? To add one, write a module in shapes/ (docs/extending.md)',
    ]


def test_a_module_without_an_entry_is_an_error_that_names_the_file(registry_of) -> None:
    registry = registry_of(a=GOOD.format(name="box"), b="x = 1")

    with pytest.raises(ExtensionError, match=r"assigns no SHAPE(.|\n)*shapes/b\.py"):
        registry.names()


def test_an_entry_that_lacks_a_method_is_an_error_that_names_it(registry_of) -> None:
    registry = registry_of(a="class Entry:\n    name = 'box'\n\nSHAPE = Entry()\n")

    with pytest.raises(ExtensionError, match=r"it has no open(.|\n)*shapes/a\.py"):
        registry.get("box")


def test_two_entries_of_one_name_are_an_error_that_names_both_files(registry_of) -> None:
    registry = registry_of(a=GOOD.format(name="box"), b=GOOD.format(name="box"))

    with pytest.raises(ExtensionError, match=r'"box"(.|\n)*shapes/b\.py(.|\n)*shapes/a\.py'):
        registry.names()
