"""Comparing what a source has with what the shop file says it has, before a row is loaded."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from ingestion import csv_records, pages, parquet_records, text
from ingestion.json_lines import JsonLinesReader
from ingestion.json_values import JsonColumns
from ingestion.records import Tally
from recomart.errors import HeaderMismatch, ShopFileError, SourceError
from recomart.shop import REQUIRED, FileSource, ReadSource
from recomart.shop_file import ShopFile

FIRST_BYTES = 16 << 10


def dialect_of(source: FileSource, width: int) -> csv_records.Dialect:
    """The dialect that a shop file declares, for a file of `width` columns."""
    return csv_records.Dialect(source.delimiter.encode(), source.quote.encode(), width)


def read_header(path: Path, source: FileSource) -> tuple[list[str], int]:
    """The column names in the first record of a CSV, and that record's line.

    Raises:
        SourceMissing: the file is empty or unreadable.
        SourceError: the file does not begin with a record.
    """
    head, line = b"", 1
    dialect = dialect_of(source, 0)
    for piece, final in chain(
        ((p, False) for p in text.pieces(path, source.encoding)), [(b"", True)]
    ):
        head += piece
        record = head.lstrip(b"\r\n")
        line += head.count(b"\n", 0, len(head) - len(record))
        head = record  # there may be gigabytes of empty lines before it
        if not head and not final:
            continue
        try:
            fields, _ = csv_records.record_at(head, 0, dialect, final)
            names = [field.decode() for field in fields]
        except csv_records.Incomplete:
            continue
        except (csv_records.Broken, UnicodeDecodeError) as exc:
            raise SourceError(
                f"{path.name} does not begin with a header",
                code="no-header",
                where=f"{path}:{line}",
                found=head[:80].decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
                help=f"check encoding ({source.encoding}), quote and delimiter in the shop file",
            ) from exc
        if "\0" in "".join(names):
            raise SourceError(
                f"{path.name} is no text in {source.encoding}: its header holds NUL bytes",
                code="wrong-encoding",
                where=f"{path}:{line}",
                help="declare its encoding; utf-16 is the usual one",
            )
        return names, line
    return [], 1


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


def mismatch(
    place: str,
    shop: ShopFile,
    entity: str,
    source: ReadSource,
    names: Sequence[str],
    wanted: str,
    path: Path | None = None,
) -> HeaderMismatch:
    """The error for a source column that the mapping reads and the source lacks.

    Args:
        path: the file, so that the values of its spare columns can show which one is meant.
    """
    ours = [name for name, column in source.columns.items() if wanted in column.reads]
    spare = [name for name in names if name not in source.reads] or list(names)
    key = f"{entity}.columns.{ours[0]}"
    found, hint = ", ".join(names)[:500], None
    if len(names) == 1 and len(source.reads) > 1:
        sign = max(";,\t|", key=names[0].count)
        hint = "the line has one column only: check the delimiter in the shop file"
        if count := names[0].count(sign):
            hint = (
                f"check the delimiter: with {json.dumps(sign)} the line would have {count + 1} "
                f"columns; then set delimiter: {json.dumps(sign)}"
            )
    else:
        one, why = nearest(wanted, spare), None
        if isinstance(source, FileSource) and path is not None:
            one, why = meant(path, source, entity, ours[0], spare, one)
        if one is None and len(spare) == 1:
            one = spare[0]
        if one:
            found += f'      did you mean "{one}"?' + (f" ({why})" if why else "")
            hint = f'set {ours[0]}: "{one}"'
    return HeaderMismatch(
        f'{place}, has no column "{wanted}" for {", ".join(ours)}',
        code="missing-column",
        where=shop.where(key),
        found=found,
        help=hint or f"set {key} to one of the columns found, or mend the file",
    )


def meant(
    path: Path, source: FileSource, entity: str, ours: str, spare: Sequence[str], close: str | None
) -> tuple[str | None, str | None]:
    """The spare column that fits best, by a sample of its values, and why; `close` if none does."""
    # looked at only when something is wrong: the sampling is of no use to a good load
    from ingestion.own_shop.spare import best_of

    return best_of(path, source, entity, ours, spare, close)


def unexpected(
    place: str, shop: ShopFile, entity: str, names: Sequence[str], unknown: Sequence[str]
) -> HeaderMismatch:
    """The error for columns that the shop file neither maps nor ignores."""
    listed = ", ".join(f'"{name}"' for name in unknown[:10])
    what = "a column that is" if len(unknown) == 1 else "columns that are"
    return HeaderMismatch(
        f"{place}, has {what} not declared: {listed}",
        code="unknown-column",
        where=shop.where(f"{entity}.columns"),
        found=", ".join(names)[:500],
        help=f"map it under {entity}.columns, or leave it out: ignore: [{', '.join(unknown[:10])}]",
    )


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word most like `word`, case aside, when one is near enough."""
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.5)
    return folded[close[0]] if close else None


def check_first_keys(
    path: Path, shown: str, source: FileSource, shop: ShopFile, entity: str
) -> None:
    """Compare the keys of a JSON-lines file's first records with the shop file.

    Raises:
        HeaderMismatch: a key that is not declared.
        SourceError: the file is empty or unreadable.
    """
    columns, tally = JsonColumns(source.reads), Tally()
    head = next(text.pieces(path, source.encoding, FIRST_BYTES), b"")
    whole, end, _ = head.rpartition(b"\n")
    for _ in JsonLinesReader(columns, tally).batches(iter([whole + end])):
        pass
    check_keys(columns, tally, shown, shop, entity, source, required=False)


def check_keys(
    columns: JsonColumns,
    tally: Tally,
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
    columns: JsonColumns, tally: Tally, shop: ShopFile, entity: str, source: ReadSource
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
