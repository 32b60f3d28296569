"""The products with the highest trending score, found without reading all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from feature_store.online.resp import RedisQuery, command
from feature_store.realtime.clock import MINUTE, days_of, micros_of
from feature_store.realtime.decay import DAY_MINUTES, growth
from feature_store.realtime.layout import StateLayout
from feature_store.realtime.product_windows import minute_counts, product_features

FIRST_CANDIDATES = 20
ROUNDING = 1e-9
"""By how much, relatively, a sum kept in Redis may be below the same sum in another order."""


@dataclass(frozen=True)
class Trending:
    """A product and its trending score (`decay.py`)."""

    product_id: str
    score: float


def trending_products(
    project: str, limit: int, as_of: datetime | None
) -> RedisQuery[list[Trending]]:
    """The `limit` products with the highest scores above 0 at `as_of` (now), the highest first.

    Each day's highest forward scores name the candidates, whose true scores are then counted. A
    product that is on no list scores at most the sum of where the lists end; as long as that could
    be more than the last of the best, the lists are read further.

    Source: Fagin, Lotem, Naor, "Optimal aggregation algorithms for middleware", 2003, section 4
    (the threshold algorithm).
    """
    at = micros_of(as_of or datetime.now(UTC))
    layout = StateLayout(project)
    days = days_of(at)
    shrink = [growth(day * DAY_MINUTES - at // MINUTE) for day in days]
    length = max(FIRST_CANDIDATES, 2 * limit)
    while True:
        lists = yield [
            command(
                b"ZREVRANGE", layout.trending_key(day), b"0", b"%d" % (length - 1), b"WITHSCORES"
            )
            for day in days
        ]
        candidates = sorted({name.decode() for reply in lists for name in reply[::2]})
        scored = yield from _scored(layout, candidates, days, at)
        best = sorted(scored, key=lambda one: (-one.score, one.product_id))[:limit]
        beyond = sum(
            factor * float(reply[-1])
            for factor, reply in zip(shrink, lists, strict=True)
            if len(reply) == 2 * length
        )
        if not beyond or (len(best) == limit and best[-1].score > beyond * (1 + ROUNDING)):
            return best
        length *= 4


def _scored(
    layout: StateLayout, products: Sequence[str], days: range, at: int
) -> RedisQuery[list[Trending]]:
    if not products:
        return []
    replies = yield [
        command(b"HGETALL", layout.product_key(day, product))
        for product in products
        for day in days
    ]
    size = len(days)
    counts = minute_counts(
        zip(days, replies[start : start + size], strict=True)
        for start in range(0, len(replies), size)
    )
    scores = product_features(counts, at).columns["rt_product_trending"].tolist()
    return [Trending(p, s) for p, s in zip(products, scores, strict=True) if s > 0]
