"""Why no entity was made of a table: the entity that is nearest, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onboarding.candidates import assigned, guess_of
from onboarding.fits import Evidence
from onboarding.guess import DERIVED, Guess
from onboarding.names import file_likeness, likeness
from onboarding.tables import Table
from onboarding.values import Column
from recomart.shop.entities import ENTITIES, REQUIRED, TYPES

CALLED = 0.8
"""From this likeness on, a file is called after an entity."""
NEAR = 0.5
"""From this share of the required columns on, an entity is worth naming."""


def why_unused(table: Table, guesses: Sequence[Guess]) -> str:
    """The reason in one line."""
    reason = _reason(table, guesses)
    return "; ".join([*table.remarks, reason])


def _reason(table: Table, guesses: Sequence[Guess]) -> str:
    lists = [c.name for c in table.columns.values() if c.filled and c.most[0][0].startswith("[{")]
    if lists and table.layout.format == "parquet":
        where = "docs/shops.md, 'Lists inside lists'"
        return f"records lie within its records, in {', '.join(lists)}: {where}"
    taken = {guess.entity: guess.table.shown for guess in guesses}
    for entity in sorted(ENTITIES, key=lambda e: -file_likeness(table.words, e)):
        if entity in taken and guess_of(table, entity, Evidence()):
            return f"looks like {entity}, which {taken[entity]} gives, and fits it better"
    shown = ", ".join(name for name in table.layout.names[:6] if name)
    named = [entity for entity in ENTITIES if file_likeness(table.words, entity) >= CALLED]
    nearest = max(named or ENTITIES, key=lambda entity: _nearness(table, entity))
    if _nearness(table, nearest) < NEAR:
        return f"no entity fits its columns ({shown})"
    lacks = "; ".join(_lacks(table, nearest)) or f"it names both users and products ({shown})"
    return f"nearest to {nearest}, but {lacks}"


def _wanted(entity: str) -> list[str]:
    return [ours for ours in REQUIRED[entity] if ours not in DERIVED]


def _nearness(table: Table, entity: str) -> float:
    wanted = _wanted(entity)
    found = assigned(table, entity, Evidence())
    return sum(ours in found for ours in wanted) / len(wanted) + 0.4 * file_likeness(
        table.words, entity
    )


def _lacks(table: Table, entity: str) -> Iterator[str]:
    found = assigned(table, entity, Evidence())
    used = {fit.name for fit in found.values()}
    for ours in _wanted(entity):
        if ours in found:
            continue
        named = [
            column for column in table.columns.values()
            if table.layout.header and column.name not in used
            and likeness(column.name, ours, entity) > NEAR
        ]  # fmt: skip
        if named:
            yield f"{named[0].name} cannot be its {ours}: {_what_it_is(named[0], entity, ours)}"
        else:
            yield f"no column looks like its {ours}"


def _what_it_is(column: Column, entity: str, ours: str) -> str:
    """What the values of a column are, next to what they should be."""
    if not column.filled:
        return "it is empty"
    examples = ", ".join(value[:24] for value, _ in column.most[:3])
    count = f"{len(column.distinct):,} distinct in {len(column.values):,} rows, as {examples}"
    kind = TYPES[entity][ours]
    if kind == "time":
        mixed = column.mixed_time
        return mixed.words if mixed else f"its values are not times, as {examples}"
    if kind in ("number", "integer") and column.numbers.share < NEAR:
        return f"its values are not numbers, as {examples}"
    return count
