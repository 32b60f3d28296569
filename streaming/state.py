"""Real-time state in Redis: each event counts once, however often and in whatever order it arrives.

`feature_store/realtime/layout.py` defines the layout. The state needs a single server: the script
writes keys of several users and products at once, which a cluster would spread over its nodes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from feature_store.realtime.clock import DAY, MICROSECOND, MINUTE, day_name, expires_at, micros_of
from feature_store.realtime.decay import FORWARD
from feature_store.realtime.layout import PRODUCT_CODES, StateLayout, encode_event
from recomart.events import MAX_AHEAD, MAX_LATE
from recomart.settings import Settings
from streaming.received import Received

CHUNK = 250
"""Events per call of the script, which blocks Redis for about 3 ms."""

_LATE = MAX_LATE // MICROSECOND
_AHEAD = MAX_AHEAD // MICROSECOND

SCRIPT = """
local prefix, stats = ARGV[1], KEYS[1]
local expiry, at = {}, 9
for _ = 1, tonumber(ARGV[8]) do
    expiry[ARGV[at]] = ARGV[at + 1]
    at = at + 2
end

local kept = {}
local function keep(key, day)
    if not kept[key] then
        redis.call('EXPIREAT', key, expiry[day])
        kept[key] = true
    end
end

local function advance(field, value)
    local before = tonumber(redis.call('HGET', stats, field) or 0)
    if tonumber(value) > before then redis.call('HSET', stats, field, value) end
end

local new, total = 0, 0
for i = at, #ARGV, 7 do
    local day = ARGV[i]
    local user = prefix .. 'user:' .. day .. ':' .. ARGV[i + 1]
    total = total + 1
    if redis.call('HSETNX', user, ARGV[i + 2], ARGV[i + 3]) == 1 then
        new = new + 1
        keep(user, day)
        if ARGV[i + 5] ~= '' then
            local product = prefix .. 'product:' .. day .. ':' .. ARGV[i + 4]
            redis.call('HINCRBY', product, ARGV[i + 5], 1)
            keep(product, day)
            local trending = prefix .. 'trending:' .. day
            redis.call('ZINCRBY', trending, ARGV[i + 6], ARGV[i + 4])
            keep(trending, day)
        end
    end
end

redis.call('HINCRBY', stats, 'featured', new)
if ARGV[7] == '' then
    redis.call('HINCRBY', stats, 'duplicates', total - new)
    redis.call('HINCRBY', stats, 'late', ARGV[2])
    redis.call('HINCRBY', stats, 'ahead', ARGV[3])
end
advance('last_event_at', ARGV[4])
advance('received_until', ARGV[5])
redis.call('HSET', stats, 'written_at', ARGV[6])
return new
"""


@dataclass(frozen=True)
class Added:
    """How the state counted received events; the sum is their number.

    Args:
        new: added to the state.
        duplicates: in the state already.
        late: received more than MAX_LATE after they happened, or after their day's state expired;
            only the batch layer counts them.
        ahead: dated more than MAX_AHEAD after they were received; staging quarantines them.
    """

    new: int = 0
    duplicates: int = 0
    late: int = 0
    ahead: int = 0

    def __add__(self, other: Added) -> Added:
        return Added(
            self.new + other.new,
            self.duplicates + other.duplicates,
            self.late + other.late,
            self.ahead + other.ahead,
        )


class RealtimeState:
    """Writes the state of one shop.

    Several processes may write at once: each call of the script is atomic, and an event that is in
    the state already is skipped.
    """

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = client
        self._layout = StateLayout(settings.feast_project)
        self._script = client.register_script(SCRIPT)

    def add(self, received: Sequence[Received], *, replayed: bool = False) -> Added:
        """Write events to the state, in chunks that are written completely or not at all.

        User, day and event id identify an event. A second one is a duplicate, even if its other
        fields differ.

        Args:
            replayed: the events are read back from segments and are not deliveries, so the counts
                of duplicates, late and ahead in Redis stay as they are.

        Raises:
            RedisError: the server failed or refused, for instance because its memory is full.
                Adding the same events again is safe, whatever was written.
        """
        added = Added()
        for start in range(0, len(received), CHUNK):
            added += self._add_chunk(received[start : start + CHUNK], replayed)
        return added

    def heartbeat(self) -> None:
        """Record that the state contains everything received by now, so that it is not stale."""
        now = micros_of(datetime.now(UTC))
        self._client.hset(
            self._layout.stats_key, mapping={"received_until": now, "written_at": now}
        )

    def _add_chunk(self, received: Sequence[Received], replayed: bool) -> Added:
        now = time.time()
        late = ahead = newest = received_until = 0
        expiry: dict[int, int] = {}
        events: list[str | int | float] = []
        for delivery in received:
            event = delivery.event
            happened = micros_of(event.occurred_at)
            came = micros_of(delivery.received_at)
            received_until = max(received_until, came)
            if happened - came > _AHEAD:
                ahead += 1
                continue
            day, rest = divmod(happened, DAY)
            if day not in expiry:
                expiry[day] = expires_at(day)
            if came - happened > _LATE or expiry[day] <= now:
                late += 1
                continue
            newest = max(newest, happened)
            product = event.product_id
            if product is not None and not product.strip(" "):
                product = None  # as in staging
            code = PRODUCT_CODES.get(event.event_type) if product else None
            events += (
                day_name(day),
                event.user_id,
                event.event_id,
                encode_event(happened, event.event_type, product, event.session_id),
            )
            if product and code:
                minute = rest // MINUTE
                events += (product, f"{minute}:{code}", FORWARD[event.event_type][minute])
            else:
                events += ("", "", "")
        slices: list[Any] = [part for day in expiry for part in (day_name(day), expiry[day])]
        new: Any = self._script(
            keys=[self._layout.stats_key],
            args=[
                self._layout.prefix,
                late,
                ahead,
                newest,
                received_until,
                micros_of(datetime.now(UTC)),
                "replayed" if replayed else "",
                len(expiry),
                *slices,
                *events,
            ],
        )
        return Added(new, len(received) - late - ahead - new, late, ahead)
