"""Reading state: which commands, and what their replies hold.

Generators that yield commands and take their replies, so that they work over any connection, and
two of them can share round trips (`together`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from feature_store.online.layout import ViewLayout, decode_value
from feature_store.online.resp import Conversation, command
from feature_store.realtime.clock import DAY, MICROSECOND, SECOND, days_of, expires_at
from feature_store.realtime.layout import StateEvent, StateLayout, decode_event
from feature_store.realtime.product_windows import MinuteCounts, minute_counts
from feature_store.realtime.user_windows import Listing, UserState
from recomart.events import MAX_AHEAD

A = TypeVar("A")
B = TypeVar("B")

CATALOGUE = "ftr_products"
CATEGORY = "product_category"
LISTED = (("product_price", "Float64"), (CATEGORY, "String"))
"""Where the published rows of products hold what a Listing tells."""

Needed = Callable[[Sequence[StateEvent]], set[str]]


@dataclass(frozen=True)
class States:
    """What was read.

    Args:
        received_until: microseconds since 1970 up to which the speed layer had written what was
            received; None when it never ran.
    """

    users: list[UserState]
    products: MinuteCounts
    received_until: int | None


def read_states(
    project: str, users: Sequence[str], products: Sequence[str], days: range, needed: Needed
) -> Conversation[States]:
    """The state of users and products in two round trips; one when no listing is needed.

    Args:
        days: the UTC days to read.
        needed: the products of a user's events whose listings are wanted.
    """
    layout = StateLayout(project)
    commands = [command(b"HGET", layout.stats_key.encode(), b"received_until")]
    commands += [command(b"HGETALL", layout.user_key(day, user)) for user in users for day in days]
    commands += [
        command(b"HGETALL", layout.product_key(day, product))
        for product in products
        for day in days
    ]
    replies = yield commands
    received_until = None if replies[0] is None else int(replies[0])
    slices = len(days)
    of_products = 1 + len(users) * slices
    events = [
        _events(replies[start : start + slices]) for start in range(1, of_products, slices or 1)
    ]
    counts = minute_counts(
        zip(days, replies[start : start + slices], strict=True)
        for start in range(of_products, len(replies), slices or 1)
    )
    wanted = sorted(set().union(*map(needed, events)))
    catalogue = yield from _listings(project, wanted)
    return States([UserState(e, catalogue) for e in events], counts, received_until)


def live_days(now: int) -> range:
    """The UTC days of which Redis can hold anything at `now`, in microseconds."""
    today = now // DAY
    first = next(day for day in range(today - 3, today) if expires_at(day) * SECOND > now)
    return range(first, (now + MAX_AHEAD // MICROSECOND) // DAY + 1)


def is_answerable(as_of: int, now: int) -> bool:
    """Whether all that counts at `as_of` is still there at `now`: today always, and an hour more."""
    return expires_at(days_of(as_of)[0]) * SECOND > now


def together(first: Conversation[A], second: Conversation[B]) -> Conversation[tuple[A, B]]:
    """Both conversations, in the round trips of the longer one."""
    talks: list[Conversation[Any]] = [first, second]
    asked: dict[int, list[bytes]] = {}
    told: dict[int, Any] = {}

    def go_on(number: int, replies: list[Any] | None) -> None:
        talk = talks[number]
        try:
            asked[number] = next(talk) if replies is None else talk.send(replies)
        except StopIteration as end:
            asked.pop(number, None)
            told[number] = end.value

    for number in range(len(talks)):
        go_on(number, None)
    while asked:
        sizes = {number: len(commands) for number, commands in asked.items()}
        replies = yield [one for commands in asked.values() for one in commands]
        start = 0
        for number, size in sizes.items():
            go_on(number, replies[start : start + size])
            start += size
    return told[0], told[1]


def _events(slices: list[list[bytes]]) -> list[StateEvent]:
    return sorted(
        decode_event(name, value)
        for reply in slices
        for name, value in zip(reply[::2], reply[1::2], strict=True)
    )


def _listings(project: str, products: list[str]) -> Conversation[dict[str, Listing]]:
    if not products:
        return {}
    layout = ViewLayout(project, CATALOGUE, ("product_id",), LISTED)
    keys = layout.keys([(product,) for product in products])
    replies = yield [command(b"HMGET", key, *layout.fields) for key in keys]
    found = {}
    for product, cells in zip(products, replies, strict=True):
        price, category = map(decode_value, cells)
        found[product] = Listing(
            None if price is None else float(price), None if category is None else str(category)
        )
    return found
