"""Interleaved visits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice, pairwise

from demo_shop.visitors import Visit
from streaming.simulator.interleaving import interleave
from streaming.simulator.scheduled_event import ScheduledEvent

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def visits(users: int) -> Iterator[Visit]:
    """Visits of four looks, 20 s apart, by users in turn."""
    for number in count():
        products = [f"v{number}-{place}" for place in range(4)]
        yield Visit(f"u{number % users}", [0.0, 20.0, 40.0, 60.0], ["view"] * 4, products)


def scheduled(
    amount: int, users: int = 50, rate: float | None = 2.0, **options
) -> list[ScheduledEvent]:
    given = {"seed": 1, "start": NOON} | options
    return list(islice(interleave(visits(users), rate=rate, **given), amount))


def test_events_are_an_even_step_apart_on_the_given_clock() -> None:
    events = scheduled(100)
    assert [event.offset for event in events] == [number / 2 for number in range(100)]
    assert events[10].occurred_at == NOON + timedelta(seconds=5)


def test_at_full_speed_a_given_clock_ticks_in_milliseconds() -> None:
    events = scheduled(3, rate=None)
    assert [d.occurred_at for d in events] == [NOON + timedelta(milliseconds=n) for n in range(3)]


def test_without_a_start_events_have_no_time_before_they_are_sent() -> None:
    event = scheduled(1, start=None)[0]
    assert event.occurred_at is None
    assert event.event(NOON).occurred_at == NOON


def test_visits_interleave_and_each_keeps_its_own_order() -> None:
    events = scheduled(400)
    sessions: dict[str | None, list[str | None]] = {}
    for event in events:
        sessions.setdefault(event.session_id, []).append(event.product_id)
    assert all(products == sorted(products) for products in sessions.values())
    switches = sum(a.session_id != b.session_id for a, b in pairwise(events))
    assert switches > 300
    whole = [products for products in sessions.values() if len(products) == 4]
    assert len(whole) > 40


def test_a_user_has_one_visit_at_a_time() -> None:
    going: dict[str, str | None] = {}
    for event in scheduled(400, users=5):
        assert going.setdefault(event.user_id, event.session_id) == event.session_id
        if str(event.product_id).endswith("-3"):
            del going[event.user_id]


def test_ids_are_unique_and_the_same_again_for_the_same_seed_and_start() -> None:
    first = [event.event_id for event in scheduled(200)]
    assert len(set(first)) == 200
    assert first == [event.event_id for event in scheduled(200)]
    for other in ({"seed": 2}, {"start": NOON + timedelta(seconds=1)}):
        assert not set(first).intersection(event.event_id for event in scheduled(200, **other))


def test_it_ends_when_the_visits_do() -> None:
    few = interleave(islice(visits(50), 3), rate=1.0, seed=1, start=NOON)
    assert len(list(few)) == 12
