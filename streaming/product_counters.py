"""Checks and repairs the product counters of the real-time state against its events of users.

An event and its counters are written together. They can differ only if something else changed
them: a server that evicts keys, or a person.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date

import redis
from redis.exceptions import WatchError

from feature_store.online import resp
from feature_store.realtime.clock import DAY, MINUTE, expires_at
from feature_store.realtime.decay import FORWARD
from feature_store.realtime.layout import PRODUCT_CODES, StateLayout, decode_event

PIECE = 1_000
"""The number of users whose events are in memory at once."""
ROUNDING = 1e-9
"""The relative difference of scores that were summed in another order."""
TRIES = 5

Numbers = dict[bytes, dict[bytes, float]]
"""Counts by product key and field, and scores by trending key and product."""


def expected_counters(client: redis.Redis, layout: StateLayout, users: list[bytes]) -> Numbers:
    """The counters that follow from the events of these users.

    Args:
        users: keys of the state.

    Raises:
        RedisError: the server does not answer.
    """
    found: Numbers = defaultdict(lambda: defaultdict(float))
    for start in range(0, len(users), PIECE):
        piece = users[start : start + PIECE]
        for flat in resp.exchange(client, (resp.command(b"HGETALL", key) for key in piece)):
            for name, value in zip(flat[::2], flat[1::2], strict=True):
                event = decode_event(name, value)
                code = PRODUCT_CODES.get(event.event_type)
                if event.product_id is None or code is None:
                    continue
                day, rest = divmod(event.micros, DAY)
                minute = rest // MINUTE
                field, product = f"{minute}:{code}".encode(), event.product_id
                found[layout.product_key(day, product)][field] += 1
                growth = FORWARD[event.event_type][minute]
                found[layout.trending_key(day)][product.encode()] += growth
    return found


def stored_counters(client: redis.Redis, layout: StateLayout) -> Numbers:
    """The counters in the state.

    Raises:
        RedisError: the server does not answer.
    """
    products = list(set(client.scan_iter(f"{layout.prefix}product:*", count=1_000)))
    days = list(set(client.scan_iter(f"{layout.prefix}trending:*", count=1_000)))
    asked = [resp.command(b"HGETALL", key) for key in products]
    asked += [resp.command(b"ZRANGE", key, b"0", b"-1", b"WITHSCORES") for key in days]
    return {
        key: {name: float(number) for name, number in zip(flat[::2], flat[1::2], strict=True)}
        for key, flat in zip([*products, *days], resp.exchange(client, asked), strict=True)
    }


def count_differences(one: Numbers, other: Numbers) -> int:
    """How many numbers differ."""
    return sum(
        not math.isclose(mine.get(name, 0), theirs.get(name, 0), rel_tol=ROUNDING)
        for key in one.keys() | other.keys()
        for mine, theirs in [(one.get(key, {}), other.get(key, {}))]
        for name in mine.keys() | theirs.keys()
    )


def repair(client: redis.Redis, layout: StateLayout) -> int:
    """Rewrite the keys with wrong numbers in one transaction, unless a consumer writes too.

    Returns:
        How many numbers were wrong; 0 also if consumers wrote during every try.

    Raises:
        RedisError: the server does not answer, or is full.
    """
    for _ in range(TRIES):
        with client.pipeline() as pipe:
            pipe.watch(layout.stats_key)  # each write of a consumer changes it
            users = list(set(client.scan_iter(f"{layout.prefix}user:*", count=1_000)))
            expected, found = (
                expected_counters(client, layout, users),
                stored_counters(client, layout),
            )
            pipe.multi()
            for key in expected.keys() | found.keys():
                numbers = expected.get(key, {})
                if count_differences({key: numbers}, {key: found.get(key, {})}):
                    _write(pipe, layout, key, numbers)
            try:
                pipe.execute()
                return count_differences(expected, found)
            except WatchError:
                continue
    return 0


def _write(
    pipe: redis.client.Pipeline, layout: StateLayout, key: bytes, to: dict[bytes, float]
) -> None:
    pipe.delete(key)
    if not to:
        return
    kind, name = key.decode().removeprefix(layout.prefix).split(":")[:2]
    if kind == "trending":
        pipe.zadd(key, to)
    else:
        counts = {field: int(count) for field, count in to.items()}
        pipe.hset(key, mapping=counts)  # type: ignore[arg-type]  # its stubs want str keys
    day = (date.fromisoformat(name) - date(1970, 1, 1)).days
    pipe.expireat(key, expires_at(day))
