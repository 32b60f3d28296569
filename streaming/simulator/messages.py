"""The messages that a producer sends."""

from __future__ import annotations

from dataclasses import dataclass

from recomart.events import Event


@dataclass(frozen=True, slots=True)
class Message:
    """One line of JSON without a line break. Kafka partitions by `key`, the user."""

    key: str
    line: bytes


def message_of(event: Event) -> Message:
    """An event as JSON, without fields that are null."""
    return Message(event.user_id, event.model_dump_json(exclude_none=True).encode())
