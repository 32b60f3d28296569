"""The door to recommendations: the champion's list for one user."""

from __future__ import annotations

from collections.abc import Sequence

from recomart.events import EVENT_TYPES
from recomart.settings import Settings
from training.artifact import load
from training.recommender import (
    Recommendation,
    Recommendations,
    Recommender,
    SessionEvent,
)
from training.registry import SHA256, champion

__all__ = ["Recommendation", "Recommendations", "SessionEvent", "parse_session", "recommend"]


def recommend(
    settings: Settings, user_id: str | None, k: int = 10, session: Sequence[SessionEvent] = ()
) -> Recommendations:
    """The k products that the champion recommends to a user, with reasons.

    A user that the shop does not know gets what is popular, and `known` says so.

    Args:
        user_id: None for a visitor of whom only the session is known.
        session: what they did a moment ago, the latest last.

    Raises:
        NoChampion: no model is registered.
        ModelDamaged: its files are not those that were registered.
        NothingPublished: there is no snapshot.
        RedisUnavailable: features are needed, and Redis does not answer.
    """
    registered = champion(settings)
    artifact = load(registered.folder, sha256=registered.tags.get(SHA256))
    return Recommender(settings, artifact, registered.version).recommend(user_id, k, session)


def parse_session(text: str) -> tuple[SessionEvent, ...]:
    """The events of `product:type,...`, the latest last; a product alone was viewed.

    An id may hold colons itself: the type is what follows the last one, if it is a type of event.
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        product, _, kind = part.rpartition(":")
        if product and kind in EVENT_TYPES:
            found.append(SessionEvent(product, kind))
        else:
            found.append(SessionEvent(part))
    return tuple(found)
