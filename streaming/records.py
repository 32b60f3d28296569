"""The lines of a segment: events with their delivery, and dead letters with their reason."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from recomart.events import Event
from streaming.received import DeadLetter, Received

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring
"""A text as JSON, without escaping characters outside ASCII."""

MAX_KEPT_BYTES = 1 << 20
"""A longer body of a dead letter is cut to this; the record has its full length."""


def event_line(received: Received) -> bytes:
    """One line: the event's fields, with times in UTC with microseconds, then its transport id.

    `received_at` is the transport's, even if the event itself has one, so that one clock decides
    about lateness, and not the producer's.
    """
    event = received.event
    # json.dumps of a dictionary takes three times as long, and this runs for every event
    return (
        f'{{"event_id":{_quoted(event.event_id)},"event_type":"{event.event_type}",'
        f'"user_id":{_quoted(event.user_id)},"session_id":{_or_null(event.session_id)},'
        f'"product_id":{_or_null(event.product_id)},"occurred_at":"{_iso(event.occurred_at)}",'
        f'"received_at":"{_iso(received.received_at)}",'
        f'"transport_id":{_quoted(received.transport_id)}}}\n'
    ).encode()


def _or_null(text: str | None) -> str:
    return "null" if text is None else _quoted(text)


def dead_letter_line(letter: DeadLetter) -> bytes:
    """One line: the reason, the delivery, and the bytes as received.

    The bytes are in `body` as text, or in `body_base64` if they are not UTF-8.
    """
    delivery = letter.delivery
    record: dict[str, Any] = {
        "reason": letter.reason,
        "transport_id": delivery.transport_id,
        "received_at": _iso(delivery.received_at),
        "bytes": len(delivery.body),
    }
    kept = delivery.body[:MAX_KEPT_BYTES]
    try:
        record["body"] = kept.decode()
    except UnicodeDecodeError:
        record["body_base64"] = base64.b64encode(kept).decode()
    return _encode(record).encode() + b"\n"


def received_of(line: bytes) -> Received:
    """The event of a line that `event_line` wrote.

    Raises:
        ValueError: it wrote no such line; the disk has lost or changed some of its bytes.
    """
    try:
        record = json.loads(line)
        transport_id = record.pop("transport_id")
        received_at = datetime.fromisoformat(record.pop("received_at"))
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError(f"not the line of an event: {exc!r}") from exc
    return Received(transport_id, received_at, Event.model_validate_json(json.dumps(record)))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
