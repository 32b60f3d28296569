"""Validates deliveries: a delivery is an event or a dead letter.

Unknown fields are invalid too, because a misspelt `produt_id` would otherwise give an event without
a product. Nothing is lost: a dead letter keeps all bytes.
"""

from __future__ import annotations

from datetime import UTC

from pydantic import ValidationError

from recomart.events import Event
from streaming.received import DeadLetter, Delivery, Received

MAX_EVENT_BYTES = 64 << 10
REASON_LENGTH = 200


def validate(delivery: Delivery) -> Received | DeadLetter:
    """The event of a delivery, or a dead letter with the reason."""
    if len(delivery.body) > MAX_EVENT_BYTES:
        return DeadLetter(delivery, f"longer than {MAX_EVENT_BYTES:,} bytes")
    try:
        event = Event.model_validate_json(delivery.body)
        event.occurred_at.astimezone(UTC)
    except ValidationError as exc:
        return DeadLetter(delivery, _reason(exc))
    except OverflowError:
        return DeadLetter(delivery, "occurred_at: outside the years 1 to 9999 in UTC")
    return Received(delivery.transport_id, delivery.received_at, event)


def _reason(exc: ValidationError) -> str:
    """The first error, in the order of the schema's fields."""
    error = exc.errors(include_url=False, include_context=False, include_input=True)[0]
    if error["type"] == "json_invalid":
        # without the position in the line, so that equal errors have equal reasons
        return error["msg"].split(" at line ")[0][:REASON_LENGTH]
    field = ".".join(map(str, error["loc"]))
    if error["type"] in ("missing", "extra_forbidden"):
        return f"{field}: {error['msg']}"[:REASON_LENGTH]
    return f"{field}: {error['msg']}, found {error['input']!r}".removeprefix(": ")[:REASON_LENGTH]
