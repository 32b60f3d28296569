"""An event to be, on the stream's own time line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recomart.events import Event


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that waits for its moment.

    Args:
        at: seconds since the stream began, at its own speed (`Pace` turns them into waiting).
        occurred_at: None: the moment at which it is told.
    """

    at: float
    event_id: str
    event_type: str
    user_id: str
    session_id: str | None
    product_id: str | None
    occurred_at: datetime | None = None

    def told(self, now: datetime) -> Event:
        """The event, told now."""
        return Event(
            event_id=self.event_id,
            event_type=self.event_type,  # type: ignore[arg-type]  # pydantic checks the word
            user_id=self.user_id,
            session_id=self.session_id,
            product_id=self.product_id,
            occurred_at=self.occurred_at or now,
        )
