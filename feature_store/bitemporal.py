"""What was known when: the versions of a row in a published feature history.

A published history may have several rows of one key and event time: the versions of one change
point. They differ in `created_at`, the moment since when each is known. The first has the event time
itself, when it was published in time; every later one is younger than the event time.

Where an entity has no features any more at a change point that it once had, the version says so:
all its features are null.
"""

from __future__ import annotations

from collections.abc import Sequence

from recomart.sql import identifier

EVENT_TIMESTAMP = "event_timestamp"
CREATED_AT = "created_at"

LATER_VERSION = f"{CREATED_AT} > {EVENT_TIMESTAMP}"
"""SQL of a row that became known after its event time: it came late, or it replaces another."""


def as_now_known(relation: str, keys: Sequence[str]) -> str:
    """SQL, in brackets, of the rows that are valid now: of each key and event time the newest version.

    Args:
        relation: SQL of a published history, as it is written after `from`.
        keys: the columns that name its entity.
    """
    point = ", ".join(map(identifier, (*keys, EVENT_TIMESTAMP)))
    # few rows have a later version, so this costs next to nothing; a window would sort them all
    return f"""(
        select versions.*
        from {relation} as versions
        anti join (
            select {point}, max({CREATED_AT}) as newest
            from {relation}
            where {LATER_VERSION}
            group by {point}
        ) as later
            on {_equal("versions", "later", (*keys, EVENT_TIMESTAMP))}
            and versions.{CREATED_AT} < later.newest
    )"""


def _equal(one: str, other: str, columns: Sequence[str]) -> str:
    names = map(identifier, columns)
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in names)
