"""The files of a folder, those of one make together: ratings-2025-01.csv, ratings-2025-02.csv."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from onboarding import sample
from onboarding.layout import Layout
from onboarding.look import look
from onboarding.values import Column
from recomart.errors import SourceError

DEPTH, MOST_FILES = 3, 2_000
FEW_FILES, SOME_FILES, SOME_BYTES = 3, 24, 16 << 20
"""Of files of one make FEW_FILES are looked at, or SOME_FILES if they are small."""
_NO_DATA = {".md", ".pdf", ".py", ".yml", ".yaml", ".html", ".png", ".jpg", ".zip", ".xlsx", ".sql"}


@dataclass
class Table:
    """Files of one layout, as sampled."""

    files: list[Path]
    glob: str
    """From the folder; matches these files and no others."""
    layout: Layout
    records: pa.Table
    whole: bool
    remarks: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        return f"{self.glob}, {self.layout.each}" if self.layout.each else self.glob

    def is_around(self, other: Table) -> bool:
        """Whether the records of the other are the elements of lists inside these records."""
        return (
            self.layout.each is None
            and other.layout.each is not None
            and (self.files, self.layout.items) == (other.files, other.layout.items)
        )

    @cached_property
    def columns(self) -> dict[str, Column]:
        return {name: Column(name, self.records.column(name)) for name in self.layout.names}

    @property
    def words(self) -> str:
        """What its name says, without what differs from file to file; of a list in JSON, its key."""
        if self.layout.each:
            return self.layout.each.rpartition(".")[2]
        path = Path(self.glob)
        stem = re.sub(r"\.(csv|tsv|txt|dat|jsonl|ndjson|json|parquet|gz)\b", "", path.name)
        words = re.sub(r"[*\d]+", " ", stem).strip()
        return words if re.search(r"[^\W_]{2,}", words) else path.parent.name


@dataclass(frozen=True)
class Unread:
    """A file that no table was made of, and why."""

    name: str
    why: str


def tables_in(folder: Path) -> tuple[list[Table], list[Unread]]:
    """The tables that a folder's files hold, and the files that hold none."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    tables: list[Table] = []
    unread: list[Unread] = []
    for path in _files(folder):
        if path.suffix.lower() in _NO_DATA:
            unread.append(Unread(_from(folder, path), "no table"))
            continue
        groups.setdefault((path.parent, _make(path.name)), []).append(path)
    for files in groups.values():
        _add_group(folder, files, tables, unread)
    return tables, unread


def _add_group(folder: Path, files: list[Path], tables: list[Table], unread: list[Unread]) -> None:
    alike: dict[tuple, list[tuple[Path, Layout, sample.Rows]]] = {}
    looked = _some(files)
    for path in looked:
        try:
            found = look(sample.read(path))
        except SourceError as exc:
            unread.append(Unread(_from(folder, path), exc.message))
            continue
        if not found:
            unread.append(Unread(_from(folder, path), "JSON without a list of objects"))
        for layout, rows in found:
            if len(layout.names) < 2:
                unread.append(Unread(_from(folder, path), "one column only"))
            else:
                alike.setdefault(_kind(layout), []).append((path, layout, rows))
    # lists inside JSON are tables of the same files
    outer = [kind for kind in alike if kind[-1] is None]
    for members in alike.values():
        paths = [path for path, _, _ in members]
        if len(outer) == 1 and len(looked) < len(files):
            paths = files
        tables.append(_table(folder, paths, members, together=len(outer) == 1))


def _kind(layout: Layout) -> tuple:
    """What the files of one table share; the list inside their records comes last."""
    named = () if layout.format in ("jsonl", "json") else layout.names
    return (layout.format, layout.delimiter, layout.header, named, layout.items, layout.each)


def _some(files: list[Path]) -> list[Path]:
    """Files at even distances, the first and the last among them."""
    for most in (SOME_FILES, FEW_FILES):
        last = min(most, len(files)) - 1
        some = [files[round(i * (len(files) - 1) / max(1, last))] for i in range(last + 1)]
        if sum(path.stat().st_size for path in some) <= SOME_BYTES:
            break
    return some


def _table(
    folder: Path,
    paths: list[Path],
    members: list[tuple[Path, Layout, sample.Rows]],
    *,
    together: bool,
) -> Table:
    layout = members[0][1]
    names = dict.fromkeys(name for _, one, _ in members for name in one.names)
    layout = replace(layout, encoding=_encoding(members), names=tuple(names), remarks=())
    records = pa.concat_tables([rows.table for _, _, rows in members], promote_options="default")
    glob = _glob(folder, paths) if together else _escaped(_from(folder, paths[0]))
    remarks = [
        f"{path.name}: {remark}" if len(paths) > 1 else remark
        for path, one, _ in members
        for remark in one.remarks
    ]
    whole = len(members) == len(paths) and all(rows.whole for _, _, rows in members)
    if not together and len(paths) > 1:
        remarks.append(f"has the columns of {', '.join(p.name for p in paths[1:])} too")
    return Table(paths, glob, layout, records, whole, remarks)


def _encoding(members: list[tuple[Path, Layout, sample.Rows]]) -> str:
    """The encoding that suits all files: plain ASCII is UTF-8 and everything else."""
    others = [layout.encoding for _, layout, _ in members if layout.encoding != "utf-8"]
    return others[0] if others else "utf-8"


def _files(folder: Path) -> Iterator[Path]:
    """Plain files of the folder and those below it, in order, without hidden ones."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        if len(Path(place).relative_to(folder).parts) >= DEPTH:
            folders.clear()
        for name in sorted(names):
            if not name.startswith(".") and count < MOST_FILES:
                count += 1
                yield Path(place) / name


def _make(name: str) -> str:
    """A file's name with its dates and numbers blotted out."""
    return re.sub(r"\d+([-_.]\d+)*", "#", name)


def _glob(folder: Path, paths: list[Path]) -> str:
    """A pattern for exactly these files, in one folder."""
    if len(paths) == 1:
        return _escaped(_from(folder, paths[0]))
    names = [path.name for path in paths]
    start = _common_start(names)
    start = start.rstrip("0123456789") or start
    end = _common_start([name[::-1] for name in names])[::-1].lstrip("0123456789")
    return _escaped(_from(folder, paths[0].parent / start)) + "*" + _escaped(end)


def _common_start(names: list[str]) -> str:
    first, last = min(names), max(names)
    same = (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(same, min(len(first), len(last)))]


def _escaped(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text)


def _from(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
