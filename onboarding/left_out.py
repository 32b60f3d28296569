"""Records that a shop leaves out: totals of the others, lines of orders that were cancelled."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from onboarding.names import is_status, tokens
from onboarding.values import Column

MOST_STATUSES, MOST_TOTALS = 30, 20
"""The most texts that a column of a status has, and totals in a table."""
MOSTLY_FILLED = 0.95
_CANCELLED = {
    "cancelled", "canceled", "cancel", "refunded", "returned", "voided", "void", "failed", "rejected",
    "declined", "storniert", "abgebrochen", "annule", "cancelado", "cancelada", "annullato",
    "unavailable",
}  # fmt: skip
"""Words of a status with which nothing was bought."""
_TOTAL = re.compile(
    r"\W*(grand\s+|sub)?(total|totals|totaal|totale|sum|summe|somme|suma|gesamt|gesamtsumme)\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Left:
    """Records that are left out for a text of a column.

    Args:
        texts: the texts, in alphabetical order; `count` sampled records have one of them.
        why: what these records are.
    """

    column: str
    texts: tuple[str, ...]
    count: int
    why: str


def by_status(
    columns: Mapping[str, Column], taken: Collection[str], filled_down: Collection[str] = ()
) -> Left | None:
    """The order lines of a status with which nothing was bought; None without such a column.

    Args:
        taken: columns that have another meaning.
    """
    for name, column in columns.items():
        if not is_status(name) or name in taken or len(column.distinct) > MOST_STATUSES:
            continue
        if column.filled < MOSTLY_FILLED * len(column.values) and name not in filled_down:
            continue  # the other lines of a cancelled order would stay
        texts = sorted(text for text in column.distinct if _CANCELLED & set(tokens(text)))
        if texts and len(texts) < len(column.distinct):
            count = sum(column.counted[text] for text in texts)
            return Left(name, tuple(texts), count, "nothing was bought")
    return None


def totals(table: pa.Table) -> Left | None:
    """The records that sum up the others: their first or second field says Total."""
    for name in table.column_names[:2]:
        counts = {v["values"]: v["counts"] for v in pc.value_counts(table.column(name)).to_pylist()}
        texts = sorted(text for text in counts if text and _TOTAL.fullmatch(text))
        count = sum(counts[text] for text in texts)
        if 0 < count <= MOST_TOTALS and count < table.num_rows:
            return Left(name, tuple(texts), count, "a total of the others")
    return None
