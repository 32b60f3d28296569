"""Telling events from rubbish.

A field that no event has is refused too: a misspelt `produt_id` would else be an event without a
product. Nothing is lost by it, for a dead letter keeps all bytes.
"""

from __future__ import annotations

from datetime import UTC

from pydantic import ValidationError

from recomart.events import Event
from streaming.received import DeadLetter, Delivery, Received

MAX_EVENT_BYTES = 64 << 10
REASON_LENGTH = 200


def validated(delivery: Delivery) -> Received | DeadLetter:
    """The event of a delivery, or why it is none."""
    if len(delivery.body) > MAX_EVENT_BYTES:
        return DeadLetter(delivery, f"longer than {MAX_EVENT_BYTES:,} bytes")
    try:
        event = Event.model_validate_json(delivery.body)
        event.occurred_at.astimezone(UTC)
    except ValidationError as exc:
        return DeadLetter(delivery, _reason(exc))
    except OverflowError:
        return DeadLetter(delivery, "occurred_at: outside of the years 1 to 9999 in UTC")
    return Received(delivery.transport_id, delivery.received_at, event)


def _reason(exc: ValidationError) -> str:
    """The first thing that is wrong, field by field in the schema's order."""
    error = exc.errors(include_url=False, include_context=False, include_input=True)[0]
    if error["type"] == "json_invalid":
        # without the place in the line, which would make a reason of its own of every broken one
        return error["msg"].split(" at line ")[0][:REASON_LENGTH]
    field = ".".join(map(str, error["loc"]))
    if error["type"] in ("missing", "extra_forbidden"):
        return f"{field}: {error['msg']}"[:REASON_LENGTH]
    return f"{field}: {error['msg']}, found {error['input']!r}".removeprefix(": ")[:REASON_LENGTH]
