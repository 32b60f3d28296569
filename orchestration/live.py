"""What a few clicks change within a second: a user's real-time features and list, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from feature_store.online.lookup import OnlineFeatures
from feature_store.online.rows import FeatureValue
from feature_store.realtime.features import USERS
from feature_store.realtime.trending import Trending
from recomart.errors import StreamFailed
from recomart.events import Event, EventType, key_hash
from recomart.settings import Settings

if TYPE_CHECKING:
    from training.recommend import Recommendations

SHOWN = 5
"""Products of a list, and of what is trending."""

IDLE_SECONDS, MOST_SECONDS = 0.3, 20.0
LOOKUP_SECONDS = 5.0
NOT_SHOWN = ("rt_user_last_events",)
WINDOWS_NOT_SHOWN = ("_30m", "_24h")
"""A few clicks move the short windows as they move the long ones."""


@dataclass(frozen=True)
class Moved:
    """A feature's value before and after."""

    feature: str
    before: object
    after: object


@dataclass(frozen=True)
class Live:
    """What a user did, and what it changed."""

    user_id: str
    events: tuple[Event, ...]
    moved: tuple[Moved, ...]
    before: Recommendations
    after: Recommendations
    trending: tuple[Trending, ...]

    @property
    def bought(self) -> set[str]:
        """The products that were bought."""
        return {
            event.product_id
            for event in self.events
            if event.event_type == "purchase" and event.product_id
        }


def go_live(settings: Settings, before: Recommendations) -> Live:
    """Let a user buy the first product of their list and look at another, through the real stream.

    Raises:
        StreamFailed: the events did not reach the real-time state.
        RedisUnavailable: Redis does not answer.
    """
    from training.recommend import recommend

    online = OnlineFeatures(settings, deadline=LOOKUP_SECONDS)
    user = before.user_id
    old = _features(online, user)
    events = _clicks(before)
    _stream(settings, events)
    new = _features(online, user)
    bought = {e.product_id for e in events if e.event_type == "purchase"}
    if not bought <= online.bought(user):
        raise StreamFailed(
            f"the last clicks of user {user} are not in Redis",
            help="see 'recomart stream status'",
        )
    return Live(
        user_id=user,
        events=events,
        moved=tuple(
            Moved(name, old.get(name), value)
            for name, value in new.items()
            if value != old.get(name)
        ),
        before=before,
        after=recommend(settings, user, len(before.items)),
        trending=tuple(online.trending(SHOWN)),
    )


def _clicks(found: Recommendations) -> tuple[Event, ...]:
    first, other = found.items[0].product_id, found.items[-1].product_id
    did: tuple[tuple[EventType, str], ...] = (
        ("view", first),
        ("add_to_cart", first),
        ("purchase", first),
        ("click", other),
        ("view", other),
    )
    now = datetime.now(UTC)
    session = f"shown-{key_hash(found.user_id, now.isoformat())[:10]}"
    begin = now - timedelta(seconds=len(did))
    return tuple(
        Event(
            event_id=f"{session}-{number}",
            event_type=kind,
            user_id=found.user_id,
            session_id=session,
            product_id=product,
            occurred_at=begin + timedelta(seconds=number),
        )
        for number, (kind, product) in enumerate(did)
    )


def _stream(settings: Settings, events: tuple[Event, ...]) -> None:
    """Put events on the shop's Redis Stream, and let a speed layer take them from there."""
    from streaming.simulator import RedisProducer
    from streaming.simulator.messages import message_of
    from streaming.speed_layer import Pace
    from streaming.stop_signals import Stop
    from streaming.stream import stream

    said: list[str] = []
    producer = RedisProducer(settings, Stop(), said.append)
    producer.send([message_of(event) for event in events])
    producer.close()
    stream(
        settings,
        "redis",
        say=said.append,
        pace=Pace(idle_exit=IDLE_SECONDS, seconds=MOST_SECONDS),
    )


def _features(online: OnlineFeatures, user: str) -> dict[str, object]:
    values: list[FeatureValue] = list(online.read(USERS, [user]).values())
    return {
        value.feature: value.value
        for value in values
        if value.feature not in NOT_SHOWN and not value.feature.endswith(WINDOWS_NOT_SHOWN)
    }
