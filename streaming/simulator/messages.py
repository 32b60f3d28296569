"""What is put on a stream."""

from __future__ import annotations

from dataclasses import dataclass

from recomart.events import Event


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a stream, without its end; `key` keeps a user's events together on Kafka."""

    key: str
    line: bytes


def message_of(event: Event) -> Message:
    """An event as JSON, without what it does not have."""
    return Message(event.user_id, event.model_dump_json(exclude_none=True).encode())
