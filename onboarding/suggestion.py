"""Which column of a file is meant when the declared one is missing, by its name and its values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingestion.declaration import Declaration
from ingestion.readers.text_format import TextFormat
from ingestion.sources import kind_of
from onboarding.declared_sample import rows_of
from onboarding.fits import FITS, Evidence, fit
from onboarding.layout import Layout
from onboarding.tables import Table
from recomart.errors import SourceError

FEW_BYTES = 1 << 20


def suggest_column(
    path: Path, declared: Declaration[Any], ours: str, spare: Sequence[str], closest: str | None
) -> tuple[str | None, str | None]:
    """The spare column that fits ours best, and the reason: an `ingestion.declaration.Suggest`.

    Returns:
        `closest` without a reason, when no column fits.
    """
    reader = kind_of(declared).reader(declared.source).name
    try:
        rows = rows_of(path, declared, FEW_BYTES, only=spare)
    except SourceError:
        return closest, None
    names = [name for name in rows.table.column_names if name in spare]
    header = TextFormat.of(declared.source).header
    table = Table(
        [path], path.name, Layout(reader, header=header, names=tuple(names)), rows.table, rows.whole
    )
    found = [
        f
        for column in table.columns.values()
        if (f := fit(table, column, ours, declared.entity, Evidence())) and f.score >= FITS
    ]
    if not found:
        return closest, None
    best = max(found, key=lambda f: (f.name == closest, f.score))
    return best.name, best.reason.removesuffix(", whatever its name")
