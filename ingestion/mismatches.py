"""Errors for names of a source that are not those of the shop file: what is there, and what is meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

from recomart.errors import HeaderMismatch
from recomart.shop.file import ShopFile
from recomart.shop.model import FileSource, ReadSource


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
    from onboarding.spare import best_of

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
