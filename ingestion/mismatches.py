"""Errors for columns that a source lacks, or has in addition: what is there, and what is meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingestion.declaration import Declaration
from recomart.errors import HeaderMismatch
from recomart.shop.sources import Source


def mismatch(
    place: str,
    declared: Declaration[Any],
    names: Sequence[str],
    wanted: str,
    path: Path | None = None,
) -> HeaderMismatch:
    """The error for a source column that the declaration reads and the source lacks.

    Args:
        place: what messages call the place of the names.
        path: the file, so that the values of its spare columns can show which one is meant.
    """
    source = declared.source
    ours = [name for name, column in source.columns.items() if wanted in column.reads]
    key = f"columns.{ours[0]}" if ours else _key_of(source, wanted)
    spare = [name for name in names if name not in source.reads] or list(names)
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
        if path is not None and ours:
            one, why = declared.suggest(path, declared, ours[0], spare, one)
        if one is None and len(spare) == 1:
            one = spare[0]
        if one:
            found += f'      did you mean "{one}"?' + (f" ({why})" if why else "")
            reader = ours[0] if ours else f"the column in {key.partition('.')[0]}"
            hint = f'set {reader}: "{one}"'
    return HeaderMismatch(
        f'{place}, has no column "{wanted}" for {", ".join(ours or [key.partition(".")[0]])}',
        code="missing-column",
        where=declared.where(key),
        found=found,
        help=hint or f"set {declared.entity}.{key} to one of the columns found, or fix the file",
    )


def _key_of(source: Source, wanted: str) -> str:
    """The key of a source that names a column which the mapping does not read."""
    if wanted in (source.where or {}):
        return f"where.{wanted}"
    marks = source.cancellations
    if marks is not None and wanted in marks.reads:
        return f"cancellations.{'of_order' if wanted == marks.of_order else f'where.{wanted}'}"
    is_filled = source.fill_down and wanted in (*source.fill_down.within, *source.fill_down.columns)
    return "fill_down" if is_filled else "join"


def unexpected(
    place: str,
    declared: Declaration[Any],
    names: Sequence[str],
    unknown: Sequence[str],
    *,
    strict: bool,
) -> HeaderMismatch:
    """The problem of columns that the shop file neither maps nor ignores: an error, or a warning
    where the source is not strict."""
    listed = ", ".join(f'"{name}"' for name in unknown[:10])
    what = "a column that is" if len(unknown) == 1 else "columns that are"
    mapped = f"map it under {declared.entity}.columns"
    ignore = f"ignore: [{', '.join(unknown[:10])}]"
    return HeaderMismatch(
        f"{place}, has {what} not declared: {listed}",
        code="unknown-column",
        where=declared.where("columns"),
        found=", ".join(names)[:500],
        help=f"{mapped}, or leave it out: {ignore}"
        if strict
        else f"it is left out and counted; {mapped}, or say so: {ignore}",
        severity="error" if strict else "warning",
    )


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word most like `word`, case aside, when one is near enough."""
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.5)
    return folded[close[0]] if close else None
