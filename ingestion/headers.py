"""Comparing the names of a file's columns with the shop file, once, on the landed file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.declaration import Declaration
from ingestion.mismatches import mismatch, unexpected
from ingestion.readers.json_values import ITEM, JsonColumns
from recomart.errors import HeaderMismatch


@dataclass(frozen=True)
class Header:
    """The names of a file's columns in its own order, and what is wrong with them.

    Args:
        names: empty for a format whose records name their own fields.
        problems: found when they are asked for, because finding them may read the file. Warnings
            among them stop nothing.
    """

    names: tuple[str, ...] = ()
    problems: Iterable[HeaderMismatch] = ()

    def checked(self) -> tuple[str, ...]:
        """The names, when nothing is wrong with them.

        Raises:
            HeaderMismatch: the first problem.
        """
        first_of(self.problems)
        return self.names


def name_problems(
    names: list[str],
    place: str,
    declared: Declaration[Any],
    path: Path,
    *,
    nested: bool = False,
) -> Iterator[HeaderMismatch]:
    """Everything that is wrong with the names of a file's columns.

    Args:
        place: what messages call the place of the names.
        nested: whether a column may hold structs, so that a.b is a field of the column a.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        yield HeaderMismatch(
            f'{place}, has the column "{name}" {names.count(name)} times',
            code="duplicate-column",
            where=declared.where("columns"),
            found=", ".join(names),
            help="name each column once in the file",
        )
    helps: list[str] = []
    for wanted in declared.source.reads:
        if wanted not in names and not (nested and wanted.split(".")[0] in names):
            problem = mismatch(place, declared, names, wanted, path)
            helps.append(problem.help or "")
            yield problem
            if len(names) == 1:
                return
    known = declared_names(declared)
    if nested:
        known |= {name.split(".")[0] for name in known}
    # a renamed column is one problem: it is not an undeclared column as well
    unknown = [
        name
        for name in names
        if name not in known
        and not _is_ignored(name, known)
        and not any(help.endswith(f': "{name}"') for help in helps)
    ]
    if unknown:
        strict = is_strict(declared, usually=True)
        yield unexpected(place, declared, names, unknown, strict=strict)


def declared_names(declared: Declaration[Any]) -> set[str]:
    """The columns that the shop file maps or ignores, for all that is made of the same bytes."""
    return declared.shop.shop.declared(declared.entity)


def _is_ignored(name: str, known: Collection[str]) -> bool:
    """Whether `ignore: [""]` covers a column: it has no name of its own."""
    return "" in known and re.fullmatch(r"unnamed_\d+", name) is not None


def declared_keys(declared: Declaration[Any]) -> set[str]:
    """The top-level keys of JSON records that the shop file maps or ignores.

    If the records are the elements of a nested list, ^.key is a key of the item around it.
    """
    names = declared_names(declared)
    keys = {name.split(".")[0] for name in names} | names
    around = {".".join(name.split(".")[:2]) for name in names if name.startswith(f"{ITEM}.")}
    if getattr(declared.source, "each", None) is not None:
        around |= {f"{ITEM}.{key}" for key in keys}
    return keys | around


def undeclared_columns(names: Sequence[str], declared: Declaration[Any]) -> list[str]:
    """The columns of a file that the shop file neither maps nor ignores."""
    known = declared_names(declared)
    known |= {name.split(".")[0] for name in known}
    return [name for name in names if name not in known and not _is_ignored(name, known)]


def is_strict(declared: Declaration[Any], *, usually: bool) -> bool:
    """Whether a column that is not declared stops the load.

    Args:
        usually: what counts where the shop file does not say.
    """
    strict: bool | None = getattr(declared.source, "strict", None)
    return usually if strict is None else strict


def missing_fields(
    names: list[str], place: str, declared: Declaration[Any]
) -> Iterator[HeaderMismatch]:
    """What is wrong with the names that the shop file gives to a file without a header."""
    for wanted in declared.source.reads:
        if wanted not in names:
            yield mismatch(place, declared, names, wanted)


def unknown_keys(
    columns: JsonColumns, shown: str, declared: Declaration[Any], unit: str = "line"
) -> Iterator[HeaderMismatch]:
    """The keys of JSON records that the shop file neither maps nor ignores, as one problem."""
    if unknown := list(columns.undeclared):
        place = f"{shown}, {unit} {columns.keys[unknown[0]]}"
        strict = is_strict(declared, usually=False)
        yield unexpected(place, declared, list(columns.keys), unknown, strict=strict)


def missing_keys(
    columns: JsonColumns, shown: str, declared: Declaration[Any]
) -> Iterator[HeaderMismatch]:
    """The keys that no JSON record of a file has, of those that are required, or that are read for
    something else than a column: a filter, a join."""
    source = declared.source
    needed = {path for name in declared.required for path in source.columns[name].reads}
    by_columns = {path for column in source.columns.values() for path in column.reads}
    own = set(source.reads) - by_columns - set(source.marks_read)
    needed |= own | set(source.where or {})
    for path in columns.absent:
        if path in needed:
            yield mismatch(shown, declared, list(columns.keys), path)


def first_of(*problems: Iterable[HeaderMismatch]) -> None:
    """Raise the first problem that is an error, if there is one.

    Raises:
        HeaderMismatch: as it says.
    """
    for some in problems:
        for problem in some:
            if problem.severity == "error":
                raise problem
