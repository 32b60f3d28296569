"""Making lookup tables: the files of a join are landed, read, and checked before anything loads.

The bytes of a lookup are part of what decides the rows of a batch, so they are part of the batch's
mapping: when they change, every batch of the source is loaded again from its landed bytes, as after
a change of the shop file. Each batch names them in `raw._loads.lookups`.

A lookup is taken whole or not at all: with a line that cannot be read, or a key that two records
have, nothing of the source is loaded in this ingest, and what was loaded before stays.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from ingestion import missing
from ingestion.declaration import Declaration
from ingestion.failures import FAILURES, explained
from ingestion.journal import Journal
from ingestion.lookup_table import LookupFile, LookupTable
from ingestion.raw_rows import incoming
from ingestion.readers.reader import DeclaredFile, Reading
from ingestion.readers.records import LineCounts
from ingestion.sources import Found, Memory, kind_of
from ingestion.sources._join import Join
from ingestion.sources.files import FileSource
from recomart.errors import SourceError
from recomart.files import fsync_folder, sha256_of
from recomart.settings import Settings
from recomart.warehouse import apply_limits

LANDED = "lookups"
"""The folder of landed lookups below `<lake>/raw`: <entity>/<sha256>.<ending>."""


@dataclass(frozen=True)
class LookupDeclaration(Declaration[Any]):
    """The files of a join, declared under that key of an entity."""

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.source.columns)

    def where(self, key: str) -> str:
        return self.shop.where(f"{self.entity}.join.{key}")


def with_lookups(
    settings: Settings, declared: Mapping[str, Declaration[Any]], journal: Journal
) -> dict[str, Declaration[Any]]:
    """The declarations with the tables of their joins; those without whose lookup has a problem."""
    ready = {}
    for entity, one in declared.items():
        try:
            ready[entity] = replace(one, lookups=tables_of(one)) if joins_of(one) else one
        except FAILURES as exc:
            journal.refused(f"{entity}, join", explained(f"{entity}, join", exc))
    used = {table.path for one in ready.values() for table in one.lookups}
    for path in (settings.lake / "tmp" / LANDED).glob("*"):
        if path not in used:
            path.unlink()
    return ready


def joins_of(declared: Declaration[Any]) -> tuple[Join, ...]:
    """The joins of an entity's source."""
    return getattr(declared.source, "join", None) or ()


def tables_of(declared: Declaration[Any]) -> tuple[LookupTable, ...]:
    """The lookup tables of an entity, from files that are landed now.

    Raises:
        SourceError: a lookup has no files, or they cannot be taken.
        OSError, duckdb.Error: they cannot be landed or kept.
    """
    tables = []
    lake = declared.settings.lake
    for join in joins_of(declared):
        lookup = _declaration(declared, join)
        files = tuple(_landed(lookup, found) for found in _found(lookup))
        paths = [(lake / file.landed_file, file.source_file) for file in files]
        shape = join.model_dump_json(exclude={"files"}, exclude_none=True)
        hashes = "".join(sorted(file.sha256 for file in files))
        words = missing.words_of(lookup.source)
        name = hashlib.sha256(f"{shape}:{words}:{hashes}".encode()).hexdigest()[:16]
        path = lake / "tmp" / LANDED / f"{name}.parquet"
        if not path.is_file():
            write_table(lookup, join, paths, path)
        tables.append(_table(declared, join, path, files))
    return tuple(tables)


def preview_tables(declared: Declaration[Any], folder: Path) -> tuple[LookupTable, ...]:
    """The lookup tables of an entity as far as they can be looked at without landing anything.

    Args:
        folder: for the tables and for what has to be fetched.

    Raises:
        SourceError: as `tables_of`.
    """
    tables = []
    for number, join in enumerate(joins_of(declared)):
        lookup = _declaration(declared, join)
        paths, files = list[tuple[Path, str]](), list[LookupFile]()
        for found in _found(lookup):
            path = kind_of(lookup).preview(lookup, found, folder)
            if path is None:
                raise SourceError(
                    f"{found.shown} is too large to be looked at",
                    where=lookup.where("files"),
                    help="run 'recomart ingest': it reads all of it",
                    severity="warning",
                )
            paths.append((path, found.shown))
            files.append(LookupFile(found.name, "", "", found.size or 0))
        table = folder / f"{declared.entity}.{number}.parquet"
        write_table(lookup, join, paths, table)
        tables.append(_table(declared, join, table, tuple(files)))
    return tuple(tables)


def _found(lookup: LookupDeclaration) -> tuple[Found, ...]:
    discovery = kind_of(lookup).discover(lookup, Memory())
    for problem in discovery.problems:
        raise problem
    return discovery.objects


def _table(
    declared: Declaration[Any], join: Join, path: Path, files: tuple[LookupFile, ...]
) -> LookupTable:
    return LookupTable(path, files, tuple(join.on), tuple(join.columns), declared.where("join"))


def _declaration(declared: Declaration[Any], join: Join) -> LookupDeclaration:
    columns = {name: {"column": name} for name in (*join.on.values(), *join.columns.values())}
    keys = join.model_dump(exclude={"on", "columns"}, exclude_unset=True)
    source = FileSource.model_validate(
        {**keys, "columns": columns, "strict": False, "missing": declared.source.missing}
    )
    return LookupDeclaration(declared.settings, declared.shop, declared.entity, source)


def _landed(lookup: LookupDeclaration, found: Found) -> LookupFile:
    """A lookup's file in the landing zone, under the name of its bytes."""
    folder = lookup.settings.raw / LANDED / lookup.entity
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = kind_of(lookup).fingerprint(lookup, found).sha256
    target = folder / f"{sha256}.{found.ending}"
    if sha256 is None or not target.is_file():
        temporary = folder / f".{os.getpid()}.tmp"
        with open(temporary, "wb") as handle:
            for piece in kind_of(lookup).open(lookup, found):
                handle.write(piece)
            handle.flush()
            os.fsync(handle.fileno())
        sha256 = sha256_of(temporary)
        target = folder / f"{sha256}.{found.ending}"
        temporary.replace(target)
        fsync_folder(folder)
    landed = target.relative_to(lookup.settings.lake).as_posix()
    return LookupFile(found.name, landed, sha256, target.stat().st_size)


def write_table(
    lookup: LookupDeclaration, join: Join, paths: list[tuple[Path, str]], target: Path
) -> None:
    """Write the records of a join's files as a lookup table, in one step.

    Args:
        paths: each file, and what messages call it.

    Raises:
        SourceError: a file lacks a column, has a line that cannot be read, or two records of the
            files have one key.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    names = [f"k{i}" for i in range(len(join.on))] + [f"v{i}" for i in range(len(join.columns))]
    with duckdb.connect() as connection:
        apply_limits(connection, lookup.settings)
        columns = ", ".join(f"{name} varchar" for name in names)
        connection.execute(f"create table lookup ({columns}, file varchar, record bigint)")
        for path, shown in paths:
            _read(connection, lookup, join, path, shown)
        _check_keys(connection, lookup, join)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        listed = ", ".join(names)
        connection.execute(
            f"copy (select {listed} from lookup where {_has_key(join)}) to '{temporary}' (format parquet)"
        )
        temporary.replace(target)


def _read(
    connection: duckdb.DuckDBPyConnection,
    lookup: LookupDeclaration,
    join: Join,
    path: Path,
    shown: str,
) -> None:
    """Insert the records of one file into the table `lookup`."""
    reader, counts = kind_of(lookup).reader(lookup.source), LineCounts(name=shown)
    file = DeclaredFile(path, shown, lookup)
    header = reader.header(file).checked()
    records = reader.records(file, Reading(connection, header, counts))
    words = missing.words_of(lookup.source)
    keys = [missing.without(records.places[name], words) for name in join.on.values()]
    listed = ", ".join([*keys, *(records.places[name] for name in join.columns.values())])
    with incoming(connection, records) as relation:
        connection.execute(
            f"insert into lookup select {listed}, ?, _record from {relation}", [shown]
        )
    records.check()
    counts.check_balance(shown)
    if counts.rejects:
        first = counts.rejects[0]
        raise SourceError(
            f"{shown} has lines that cannot be read ({counts.rejected:,}): what they say would be missing",
            code="broken-lookup",
            where=lookup.where("files"),
            found=f"line {first.line}: {first.reason}: {first.text[:120]!r}",
            help="fix the file: a lookup is taken whole or not at all",
        )


def _has_key(join: Join) -> str:
    return " and ".join(f"k{i} is not null" for i in range(len(join.on)))


def _check_keys(
    connection: duckdb.DuckDBPyConnection, lookup: LookupDeclaration, join: Join
) -> None:
    keys = ", ".join(f"k{i}" for i in range(len(join.on)))
    twice = connection.execute(
        f"select {keys}, count(*), list(file || ', record ' || record order by file, record) "
        f"from lookup where {_has_key(join)} group by {keys} having count(*) > 1 order by all limit 4"
    ).fetchall()
    if not twice:
        return
    *values, count, at = twice[0]
    named = ", ".join(
        f"{name} {value}" for name, value in zip(join.on.values(), values, strict=True)
    )
    more = ", ".join(str(row[0]) for row in twice[1:])
    raise SourceError(
        f"the lookup has the key {named} {count:,} times: which record is meant would be a guess",
        code="repeated-key",
        where=lookup.where("on"),
        found="; ".join(at[:3]) + (f"; and also {more}" if more else ""),
        help="join on more columns, or keep one record per key in the files",
    )
