"""An event that the simulator will send, with its time on the stream's own time line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recomart.events import Event


@dataclass(frozen=True, slots=True)
class ScheduledEvent:
    """An event before it is sent.

    Args:
        offset: seconds since the stream began, at normal speed; `Scheduler` waits for it.
        occurred_at: None: the moment at which the event is sent.
    """

    offset: float
    event_id: str
    event_type: str
    user_id: str
    session_id: str | None
    product_id: str | None
    occurred_at: datetime | None = None

    def event(self, now: datetime) -> Event:
        """The event to send at the moment `now`."""
        return Event(
            event_id=self.event_id,
            event_type=self.event_type,  # type: ignore[arg-type]  # pydantic checks the value
            user_id=self.user_id,
            session_id=self.session_id,
            product_id=self.product_id,
            occurred_at=self.occurred_at or now,
        )
