"""Sends a few clicks through the stream, and compares a user's features and list before and after."""

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
"""How many products of a list, and of the trending products, are shown."""

IDLE_SECONDS, MOST_SECONDS = 0.3, 20.0
LOOKUP_SECONDS = 5.0
NOT_SHOWN = ("rt_user_last_events",)
WINDOWS_NOT_SHOWN = ("_30m", "_24h")
"""A few clicks change long windows in the same way as short ones."""


@dataclass(frozen=True)
class FeatureChange:
    """A feature that changed, with its value before and after."""

    feature: str
    before: object
    after: object


@dataclass(frozen=True)
class ClickDemo:
    """The clicks of a user, and what they changed."""

    user_id: str
    events: tuple[Event, ...]
    changes: tuple[FeatureChange, ...]
    before: Recommendations
    after: Recommendations
    trending: tuple[Trending, ...]

    @property
    def bought(self) -> set[str]:
        """The ids of the products that the user bought."""
        return {
            event.product_id
            for event in self.events
            if event.event_type == "purchase" and event.product_id
        }


def run_click_demo(settings: Settings, before: Recommendations) -> ClickDemo:
    """Let a user buy the first product of their list and look at another, through the stream.

    Raises:
        StreamFailed: the events did not reach the real-time state.
        RedisUnavailable: Redis does not answer.
    """
    from training.recommend import recommend

    online = OnlineFeatures(settings, deadline=LOOKUP_SECONDS)
    user = before.user_id
    assert user is not None, "the list is that of a user"
    old = _features(online, user)
    events = _clicks(user, before)
    _send(settings, events)
    new = _features(online, user)
    bought = {e.product_id for e in events if e.event_type == "purchase"}
    if not bought <= online.bought(user):
        raise StreamFailed(
            f"the last clicks of user {user} are not in Redis",
            help="run 'recomart stream status' to see whether a consumer is waiting",
        )
    return ClickDemo(
        user_id=user,
        events=events,
        changes=tuple(
            FeatureChange(name, old.get(name), value)
            for name, value in new.items()
            if value != old.get(name)
        ),
        before=before,
        after=recommend(settings, user, len(before.items)),
        trending=tuple(online.trending(SHOWN)),
    )


def _clicks(user: str, found: Recommendations) -> tuple[Event, ...]:
    first, other = found.items[0].product_id, found.items[-1].product_id
    actions: tuple[tuple[EventType, str], ...] = (
        ("view", first),
        ("add_to_cart", first),
        ("purchase", first),
        ("click", other),
        ("view", other),
    )
    now = datetime.now(UTC)
    session = f"shown-{key_hash(user, now.isoformat())[:10]}"
    begin = now - timedelta(seconds=len(actions))
    return tuple(
        Event(
            event_id=f"{session}-{number}",
            event_type=kind,
            user_id=user,
            session_id=session,
            product_id=product,
            occurred_at=begin + timedelta(seconds=number),
        )
        for number, (kind, product) in enumerate(actions)
    )


def _send(settings: Settings, events: tuple[Event, ...]) -> None:
    """Add events to the shop's Redis Stream, and consume them with a speed layer."""
    from streaming.simulator import RedisProducer
    from streaming.simulator.messages import message_of
    from streaming.speed_layer import ConsumerOptions
    from streaming.stop_signals import Stop
    from streaming.stream import stream

    messages: list[str] = []
    producer = RedisProducer(settings, Stop(), messages.append)
    producer.send([message_of(event) for event in events])
    producer.close()
    stream(
        settings,
        "redis",
        say=messages.append,
        options=ConsumerOptions(idle_exit=IDLE_SECONDS, seconds=MOST_SECONDS),
    )


def _features(online: OnlineFeatures, user: str) -> dict[str, object]:
    values: list[FeatureValue] = list(online.read(USERS, [user]).values())
    return {
        value.feature: value.value
        for value in values
        if value.feature not in NOT_SHOWN and not value.feature.endswith(WINDOWS_NOT_SHOWN)
    }
