import json
from datetime import UTC, datetime, timedelta, timezone

from recomart.events import Event
from streaming.received import Received
from streaming.records import event_line, received_of

AT = datetime(2026, 3, 1, 12, 0, 0, 1, UTC)


def test_an_event_comes_back_from_its_line() -> None:
    """Also with what JSON must escape, and what ends a line elsewhere but not there."""
    odd = 'a"b\\c\n\r\t\x00\x7f\u2028ü😀'
    event = Event(
        event_id=odd,
        event_type="view",
        user_id=odd,
        session_id=odd,
        product_id=None,
        occurred_at=AT,
    )
    line = event_line(Received(odd, AT, event))

    assert line.count(b"\n") == 1
    assert received_of(line) == Received(odd, AT, event)


def test_times_are_written_in_utc_with_microseconds() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    event = Event(
        event_id="e", event_type="view", user_id="u", occurred_at=datetime(2026, 3, 1, tzinfo=there)
    )
    record = json.loads(event_line(Received("1-0", AT, event)))

    assert record["occurred_at"] == "2026-02-28T18:30:00.000000Z"
    assert record["received_at"] == "2026-03-01T12:00:00.000001Z"
