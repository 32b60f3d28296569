"""Extension points: the entries of a package, one module each, found by name.

A package that can be extended (kinds of sources, rules or models) holds one module for each entry.
The module assigns its entry to one agreed name:

    # ingestion/sources/ftp.py
    SOURCE = FtpSource()

Adding an entry means adding that file; nothing else lists it. An installed distribution adds
entries as well, by the entry point group `recomart.<package>` (`recomart.ingestion.sources`).
A module whose name begins with an underscore is a helper and holds no entry. Any other module that
does not fit is an error when the registry loads, so that nothing is skipped silently.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import entry_points
from types import ModuleType
from typing import Generic, TypeVar, cast

from typing_extensions import get_protocol_members

from recomart.errors import ExtensionError, UnknownName, did_you_mean

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """The entries of one extension point. Modules are imported when an entry is first asked for.

    Args:
        what: a noun for one entry, as errors say it: "kind of source".
        package: the package whose modules are the entries.
        attribute: the name to which each module assigns its entry.
        protocol: what an entry has; it has `name: str`, by which it is found.
    """

    def __init__(self, what: str, package: str, attribute: str, protocol: type[Entry]) -> None:
        self.what = what
        self.package = package
        self.attribute = attribute
        self._protocol = protocol

    def names(self) -> tuple[str, ...]:
        """The names of all entries, sorted.

        Raises:
            ExtensionError: a module lacks its entry, an entry lacks a member, or two share a name.
        """
        return tuple(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def get(self, name: str, *, where: str | None = None) -> Entry:
        """The entry of this name.

        Args:
            where: the place that asks for it, for the error.

        Raises:
            UnknownName: no entry has this name; the error lists those that exist.
            ExtensionError: as in `names`.
        """
        if name in self._entries:
            return self._entries[name]
        raise UnknownName(
            f'there is no {self.what} "{name}"',
            code=f"unknown-{self.what.replace(' ', '-')}",
            where=where,
            found=f"registered: {', '.join(self._entries)}",
            help=f"{did_you_mean(name, self._entries)}To add one, write a module in {self.package.replace('.', '/')}/ "
            "(docs/extending.md)",
        )

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        found: dict[str, tuple[Entry, str]] = {}
        for module in self._modules():
            entry, place = self._entry_of(module), _place(module)
            name: str = entry.name  # type: ignore[attr-defined]  # checked by _entry_of
            if name in found:
                raise ExtensionError(
                    f'two modules register the {self.what} "{name}"',
                    where=place,
                    found=f"the other one is {found[name][1]}",
                    help=f"give one of them another {self.attribute}.name, or remove it",
                )
            found[name] = entry, place
        return {name: found[name][0] for name in sorted(found)}

    def _modules(self) -> Iterator[ModuleType]:
        parent = importlib.import_module(self.package)
        for info in sorted(pkgutil.iter_modules(parent.__path__), key=lambda info: info.name):
            if not info.name.startswith("_"):
                yield importlib.import_module(f"{self.package}.{info.name}")
        for point in entry_points(group=f"recomart.{self.package}"):
            yield importlib.import_module(point.module)

    def _entry_of(self, module: ModuleType) -> Entry:
        entry = getattr(module, self.attribute, None)
        if entry is None:
            raise ExtensionError(
                f"the module assigns no {self.attribute}, so it adds no {self.what}",
                where=_place(module),
                help=f"assign {self.attribute} = ..., or begin the file's name with an underscore "
                f"if it only helps other modules",
            )
        missing = sorted(m for m in get_protocol_members(self._protocol) if not hasattr(entry, m))
        if missing:
            raise ExtensionError(
                f"{self.attribute} is an incomplete {self.what}: it has no {', '.join(missing)}",
                where=_place(module),
                help=f"add what is missing; {self._protocol.__module__}.{self._protocol.__name__} "
                "says what each does",
            )
        return cast(Entry, entry)


def _place(module: ModuleType) -> str:
    return str(getattr(module, "__file__", None) or module.__name__)
