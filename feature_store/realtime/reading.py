"""Queries of real-time state: which commands they send, and what the replies mean.

Two queries can share round trips (`both`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from feature_store.online.layout import ViewLayout, decode_value
from feature_store.online.resp import RedisQuery, command
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
"""The published features of a product that make a Listing."""

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
) -> RedisQuery[States]:
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
    """The UTC days whose state can still be in Redis at `now`, in microseconds."""
    today = now // DAY
    first = next(day for day in range(today - 3, today) if expires_at(day) * SECOND > now)
    return range(first, (now + MAX_AHEAD // MICROSECOND) // DAY + 1)


def is_answerable(as_of: int, now: int) -> bool:
    """Whether all that counts at `as_of` is still there at `now`: today always, and an hour more."""
    return expires_at(days_of(as_of)[0]) * SECOND > now


def both(first: RedisQuery[A], second: RedisQuery[B]) -> RedisQuery[tuple[A, B]]:
    """Both queries at once, in as many round trips as the longer one takes."""
    queries: list[RedisQuery[Any]] = [first, second]
    asked: dict[int, list[bytes]] = {}
    results: dict[int, Any] = {}

    def advance(number: int, replies: list[Any] | None) -> None:
        query = queries[number]
        try:
            asked[number] = next(query) if replies is None else query.send(replies)
        except StopIteration as end:
            asked.pop(number, None)
            results[number] = end.value

    for number in range(len(queries)):
        advance(number, None)
    while asked:
        sizes = {number: len(commands) for number, commands in asked.items()}
        replies = yield [one for commands in asked.values() for one in commands]
        start = 0
        for number, size in sizes.items():
            advance(number, replies[start : start + size])
            start += size
    return results[0], results[1]


def _events(slices: list[list[bytes]]) -> list[StateEvent]:
    return sorted(
        decode_event(name, value)
        for reply in slices
        for name, value in zip(reply[::2], reply[1::2], strict=True)
    )


def _listings(project: str, products: list[str]) -> RedisQuery[dict[str, Listing]]:
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
