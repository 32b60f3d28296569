"""Comparing what a source has with what the shop file says it has, before a row is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ingestion.mismatches import mismatch, unexpected
from ingestion.readers import parquet_records, text
from ingestion.readers.csv_header import read_header
from ingestion.readers.json_lines import JsonLinesReader
from ingestion.readers.json_values import JsonColumns
from ingestion.readers.records import LineCounts
from ingestion.sources import pages
from recomart.errors import HeaderMismatch, ShopFileError, SourceError
from recomart.shop.file import ShopFile
from recomart.shop.model import REQUIRED, FileSource, ReadSource

FIRST_BYTES = 16 << 10


def check_csv(path: Path, shown: str, source: FileSource, shop: ShopFile, entity: str) -> list[str]:
    """The column names of a CSV in its own order, when they are those that the shop declares.

    Raises:
        HeaderMismatch: a column is missing (or renamed), not declared, or there twice.
        SourceError: the file is empty, unreadable, or does not begin with a record.
    """
    if not source.header:
        next(text.pieces(path, source.encoding), None)
        declared = list(source.fields)
        missing = [name for name in source.reads if name not in declared]
        if missing:
            raise mismatch(shown, shop, entity, source, declared, missing[0])
        return declared
    names, line = read_header(path, source)
    _raise_first(name_problems(names, f"{shown}, line {line}", source, shop, entity, path))
    return names


def check_parquet(
    path: Path, shown: str, source: FileSource, shop: ShopFile, entity: str
) -> list[str]:
    """The column names of a Parquet file, when they are those that the shop declares.

    Raises:
        HeaderMismatch: a column is missing (or renamed), not declared, or there twice.
        SourceError: the file is unreadable, or no Parquet.
    """
    names = parquet_records.column_names(path, shown, shop.where(f"{entity}.format"))
    _raise_first(name_problems(names, shown, source, shop, entity, path))
    return names


def _raise_first(problems: Iterator[HeaderMismatch]) -> None:
    for problem in problems:
        raise problem


def name_problems(
    names: list[str],
    place: str,
    source: FileSource,
    shop: ShopFile,
    entity: str,
    path: Path,
) -> Iterator[HeaderMismatch]:
    """All that is wrong with the names of a file's columns; `place` is what messages call them."""
    if source.format == "csv" and names[:1] and names[0].lstrip().startswith("{"):
        yield HeaderMismatch(
            f"{place}, holds a JSON object, and no names of columns",
            code="wrong-format",
            where=shop.where(f"{entity}.files"),
            found=", ".join(names)[:200],
            help="set format: jsonl",
        )
        return
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        yield HeaderMismatch(
            f'{place}, has the column "{name}" {names.count(name)} times',
            code="duplicate-column",
            where=shop.where(f"{entity}.columns"),
            found=", ".join(names),
            help="name each column once in the file",
        )
    is_there = set(names)
    if source.format == "parquet":
        is_there.update(path for path in source.reads if path.split(".")[0] in names)
    helps: list[str] = []
    for wanted in source.reads:
        if wanted not in is_there:
            problem = mismatch(place, shop, entity, source, names, wanted, path)
            helps.append(problem.help or "")
            yield problem
            if len(names) == 1:
                return
    declared = shop.shop.declared(entity)
    if source.format == "parquet":
        declared |= {path.split(".")[0] for path in declared}
    # a column that was renamed is one problem, and not one more that nobody declared
    unknown = [
        name
        for name in names
        if name not in declared and not any(help.endswith(f': "{name}"') for help in helps)
    ]
    if unknown:
        yield unexpected(place, shop, entity, names, unknown)


def file_problems(
    path: Path, shown: str, source: FileSource, shop: ShopFile, entity: str
) -> list[SourceError]:
    """All that the checks of CHECKS would find in a file's names, of which they raise the first."""
    try:
        if source.format == "csv" and source.header:
            names, line = read_header(path, source)
            place = f"{shown}, line {line}"
            return [*name_problems(names, place, source, shop, entity, path)]
        if source.format == "parquet":
            names = parquet_records.column_names(path, shown, shop.where(f"{entity}.format"))
            return [*name_problems(names, shown, source, shop, entity, path)]
        CHECKS[source.format](path, shown, source, shop, entity)
    except SourceError as exc:
        return [exc]
    return []


def check_encoding(source: FileSource, shop: ShopFile, entity: str) -> None:
    """Check that Python knows the declared encoding.

    Raises:
        ShopFileError: it does not.
    """
    try:
        text.is_utf8(source.encoding)
    except LookupError as exc:
        raise ShopFileError(
            f"'{source.encoding}' is no encoding that Python knows",
            where=shop.where(f"{entity}.encoding"),
            help="utf-8, latin-1, cp1252 and utf-16 are the usual ones",
        ) from exc


def check_first_keys(
    path: Path, shown: str, source: FileSource, shop: ShopFile, entity: str
) -> None:
    """Compare the keys of a JSON-lines file's first records with the shop file.

    Raises:
        HeaderMismatch: a key that is not declared.
        SourceError: the file is empty or unreadable.
    """
    columns, tally = JsonColumns(source.reads), LineCounts()
    head = next(text.pieces(path, source.encoding, FIRST_BYTES), b"")
    whole, end, _ = head.rpartition(b"\n")
    for _ in JsonLinesReader(columns, tally).batches(iter([whole + end])):
        pass
    check_keys(columns, tally, shown, shop, entity, source, required=False)


def check_keys(
    columns: JsonColumns,
    tally: LineCounts,
    shown: str,
    shop: ShopFile,
    entity: str,
    source: FileSource,
    *,
    required: bool = True,
) -> None:
    """Compare the keys that the records of a JSON-lines file had with the shop file.

    Raises:
        HeaderMismatch: a key that is not declared; or, when `required`, a key that no record has
            although its column cannot be empty.
    """
    declared = shop.shop.declared(entity)
    known = declared | {path.split(".")[0] for path in declared}
    unknown = [key for key in columns.keys if key not in known]
    names = list(columns.keys)
    if required and tally.records:
        for path in columns.absent:
            if any(path in source.columns[name].reads for name in REQUIRED[entity]):
                raise mismatch(shown, shop, entity, source, names, path)
    if unknown:
        place = f"{shown}, line {columns.keys[unknown[0]]}"
        raise unexpected(place, shop, entity, names, unknown)


def check_items(
    columns: JsonColumns, tally: LineCounts, shop: ShopFile, entity: str, source: ReadSource
) -> None:
    """Check that every key that the mapping reads is in some item of an HTTP catalogue.

    A catalogue may have more keys than we map: APIs grow.

    Raises:
        HeaderMismatch: a mapped key that no item has.
    """
    if tally.records and columns.absent:
        place = f"the catalogue of {entity}"
        names = [key for key in columns.keys if key not in (pages.ITEM, pages.PLACE)]
        raise mismatch(place, shop, entity, source, names, columns.absent[0])


CHECKS: dict[str, Callable[[Path, str, FileSource, ShopFile, str], object]] = {
    "csv": check_csv,
    "jsonl": check_first_keys,
    "parquet": check_parquet,
}
"""What a file's names are checked by before it lands, by its declared format."""
