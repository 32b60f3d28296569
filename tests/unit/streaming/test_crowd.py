"""Visits told side by side."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice, pairwise

from recomart.visit import Visit
from streaming.simulator.crowd import crowd
from streaming.simulator.draft import Draft

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def visits(users: int) -> Iterator[Visit]:
    """Visits of four looks, 20 s apart, by users in turn."""
    for number in count():
        products = [f"v{number}-{place}" for place in range(4)]
        yield Visit(f"u{number % users}", [0.0, 20.0, 40.0, 60.0], ["view"] * 4, products)


def drafts(amount: int, users: int = 50, rate: float | None = 2.0, **options) -> list[Draft]:
    given = {"seed": 1, "start": NOON} | options
    return list(islice(crowd(visits(users), rate=rate, **given), amount))


def test_events_are_an_even_step_apart_on_the_given_clock() -> None:
    told = drafts(100)
    assert [draft.at for draft in told] == [number / 2 for number in range(100)]
    assert told[10].occurred_at == NOON + timedelta(seconds=5)


def test_at_full_speed_a_given_clock_ticks_in_milliseconds() -> None:
    told = drafts(3, rate=None)
    assert [d.occurred_at for d in told] == [NOON + timedelta(milliseconds=n) for n in range(3)]


def test_without_a_start_events_have_no_time_before_they_are_told() -> None:
    draft = drafts(1, start=None)[0]
    assert draft.occurred_at is None
    assert draft.told(NOON).occurred_at == NOON


def test_visits_interleave_and_each_keeps_its_own_order() -> None:
    told = drafts(400)
    sessions: dict[str | None, list[str | None]] = {}
    for draft in told:
        sessions.setdefault(draft.session_id, []).append(draft.product_id)
    assert all(products == sorted(products) for products in sessions.values())
    switches = sum(a.session_id != b.session_id for a, b in pairwise(told))
    assert switches > 300
    whole = [products for products in sessions.values() if len(products) == 4]
    assert len(whole) > 40


def test_a_user_has_one_visit_at_a_time() -> None:
    going: dict[str, str | None] = {}
    for draft in drafts(400, users=5):
        assert going.setdefault(draft.user_id, draft.session_id) == draft.session_id
        if str(draft.product_id).endswith("-3"):
            del going[draft.user_id]


def test_ids_are_unique_and_the_same_again_for_the_same_seed_and_start() -> None:
    first = [draft.event_id for draft in drafts(200)]
    assert len(set(first)) == 200
    assert first == [draft.event_id for draft in drafts(200)]
    for other in ({"seed": 2}, {"start": NOON + timedelta(seconds=1)}):
        assert not set(first).intersection(draft.event_id for draft in drafts(200, **other))


def test_it_ends_when_the_visits_do() -> None:
    few = crowd(islice(visits(50), 3), rate=1.0, seed=1, start=NOON)
    assert len(list(few)) == 12
