"""What the state counts by product, against the events of users that it holds itself.

An event and what it counts are written together. They can differ only when something else touched
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
"""Users whose events are in memory at once."""
ROUNDING = 1e-9
"""Relative, of scores that were added up in another order."""
TRIES = 5

Numbers = dict[bytes, dict[bytes, float]]
"""Counts by a product's key and field, and scores by a day's trending key and product."""


def counted(client: redis.Redis, layout: StateLayout, users: list[bytes]) -> Numbers:
    """What the events in the hashes of users come to.

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


def stored(client: redis.Redis, layout: StateLayout) -> Numbers:
    """What the state says.

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


def differing(one: Numbers, other: Numbers) -> int:
    """How many numbers are not the same in both."""
    return sum(
        not math.isclose(mine.get(name, 0), theirs.get(name, 0), rel_tol=ROUNDING)
        for key in one.keys() | other.keys()
        for mine, theirs in [(one.get(key, {}), other.get(key, {}))]
        for name in mine.keys() | theirs.keys()
    )


def mend(client: redis.Redis, layout: StateLayout) -> int:
    """Write the numbers of which one differs anew, all at once, and only if no consumer wrote
    meanwhile.

    Returns:
        How many differed; 0 also when consumers never paused.

    Raises:
        RedisError: the server does not answer, or is full.
    """
    for _ in range(TRIES):
        with client.pipeline() as pipe:
            pipe.watch(layout.stats_key)  # every consumer touches it with every write
            users = list(set(client.scan_iter(f"{layout.prefix}user:*", count=1_000)))
            right, wrong = counted(client, layout, users), stored(client, layout)
            pipe.multi()
            for key in right.keys() | wrong.keys():
                numbers = right.get(key, {})
                if differing({key: numbers}, {key: wrong.get(key, {})}):
                    _write(pipe, layout, key, numbers)
            try:
                pipe.execute()
                return differing(right, wrong)
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
