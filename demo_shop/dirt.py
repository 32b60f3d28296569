"""The ordinary dirt of a shop's data, planted at small rates, and the truth about each piece of it.

A clean row is never lost to dirt: what must be thrown out is an extra row, made from a clean one
and given a key of its own, and an older version of a key stands before the newer, clean one. Only
what is kept (an optional value that is missing, a strange title) is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from demo_shop.text import Format

Record = dict[str, str | None]
Outcome = Literal["rejected", "quarantined", "deduplicated", "superseded", "flagged", "kept"]


NO_UTF8 = "\udce9"
"""Stands in a line for the byte E9, an e acute in Latin-1, until the line is written."""


@dataclass(frozen=True)
class Kind:
    """One kind of dirt in one entity.

    `spoil` gets a clean record and a number that no other piece of dirt has, and returns the
    spoiled record, or a line of text when it is not even a record any more.
    """

    name: str
    outcome: Outcome
    spoil: Callable[[Record, int], Record | str]
    where: Literal["after", "before", "instead"] = "after"
    reason: str | None = None
    """For quarantined and flagged rows: the code that the warehouse gives."""


@dataclass(frozen=True)
class Planted:
    """The truth about one planted row. `line` is where it begins in its file, from 1."""

    kind: str
    entity: str
    key: dict[str, str | None]
    file: str
    line: int
    outcome: Outcome
    reason: str | None


def plant(
    rng: np.random.Generator,
    lines: list[str],
    kinds: tuple[Kind, ...],
    form: Format,
    rate: float,
    *,
    first_serial: int,
    forced: Collection[Kind] = (),
) -> tuple[list[str], list[tuple[int, Kind, Record]]]:
    """Lines with dirt among them.

    Args:
        lines: clean records of one file, without header.
        rate: share of each kind among the lines.
        first_serial: number of the first piece of dirt; each next one gets the next number.
        forced: kinds that are planted at least once, whatever the rate.

    Returns:
        The new lines, and for each planted one its place among them, its kind, and the record.
    """
    if not lines:
        return lines, []
    wanted: list[Kind] = []
    for kind in kinds:
        count = max(rng.binomial(len(lines), rate), int(kind in forced))
        wanted += [kind] * count
    # a clean row is touched once at most, so that one piece of dirt cannot hide another
    rows = rng.permutation(len(lines))[: len(wanted)].tolist()
    at_row = dict(zip(rows, wanted, strict=False))

    out: list[str] = []
    planted: list[tuple[int, Kind, Record]] = []
    copied = 0
    for serial, row in enumerate(sorted(at_row), start=first_serial):
        kind = at_row[row]
        clean = form.parse(lines[row])
        spoiled = kind.spoil(dict(clean), serial)
        text = spoiled if isinstance(spoiled, str) else form.render(spoiled)
        out += lines[copied : row + (kind.where == "after")]
        planted.append((len(out), kind, clean if isinstance(spoiled, str) else spoiled))
        out.append(text)
        copied = row + (kind.where != "before")
    out += lines[copied:]
    return out, planted
