"""Injected faults: the record has each, and no valid event is lost to one."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from recomart.errors import ConfigurationError
from recomart.events import MAX_AHEAD, MAX_LATE, Event
from streaming.simulator.fault_injector import MAX_DELAY, FaultInjector, Shares, Truth
from streaming.simulator.malformed import MALFORMED
from streaming.simulator.messages import message_of

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SHARES = Shares(duplicates=0.05, late=0.1, out_of_order=0.05, wrong_clocks=0.03, malformed=0.04)
EVENTS = [
    Event(
        event_id=f"e{number}",
        event_type="view",
        user_id=f"u{number % 7}",
        product_id="p1",
        occurred_at=NOON + timedelta(milliseconds=number),
    )
    for number in range(4000)
]


def injected(seed: int = 1, shares: Shares = SHARES) -> tuple[list[bytes], Truth]:
    truth = Truth()
    faults = FaultInjector(shares, seed, truth)
    lines = [message.line for event in EVENTS for message in faults.messages(event)]
    return lines + [message.line for message in faults.delayed()], truth


def parsed(lines: list[bytes]) -> list[Event]:
    good = []
    for line in lines:
        try:
            good.append(Event.model_validate_json(line))
        except ValidationError:
            continue
    return good


def test_without_shares_each_event_is_one_message_in_its_place() -> None:
    lines, truth = injected(shares=Shares())
    assert parsed(lines) == EVENTS
    assert truth.expected() == {
        "messages": 4000, "accepted": 4000, "duplicates": 0, "dead_letters": 0,
    }  # fmt: skip


def test_every_event_is_sent_and_the_record_names_the_duplicates() -> None:
    lines, truth = injected()
    seen = Counter(event.event_id for event in parsed(lines))
    assert set(seen) == {event.event_id for event in EVENTS}
    assert sorted(i for i, count in seen.items() if count > 1) == sorted(truth.duplicates)
    assert max(seen.values()) == 2
    assert len(lines) == truth.expected()["messages"]
    assert len(lines) - len(parsed(lines)) == len(truth.malformed)


def test_planted_shares_are_those_that_were_asked_for() -> None:
    # 4,000 draws: four standard deviations of a share p are 4 * sqrt(p (1 - p) / 4000)
    _, truth = injected()
    planted = {
        "duplicates": len(truth.duplicates),
        "late": len(truth.late) + len(truth.too_late),
        "out_of_order": len(truth.out_of_order),
        "wrong_clocks": len(truth.wrong_clocks),
        "malformed": len(truth.malformed),
    }
    for name, count in planted.items():
        share = getattr(SHARES, name)
        assert abs(count / 4000 - share) < 4 * (share * (1 - share) / 4000) ** 0.5, name


def test_times_are_shifted_as_the_truth_says_and_on_the_right_side_of_the_limits() -> None:
    lines, truth = injected()
    true_times = {event.event_id: event.occurred_at for event in EVENTS}
    shifted = {
        event.event_id: (event.occurred_at - true_times[event.event_id]).total_seconds()
        for event in parsed(lines)
        if event.occurred_at != true_times[event.event_id]
    }
    late = {i: -seconds for i, seconds in (truth.late | truth.too_late).items()}
    assert shifted == pytest.approx(late | truth.wrong_clocks, abs=1e-5)
    assert truth.too_late
    assert all(seconds < MAX_LATE.total_seconds() for seconds in truth.late.values())
    assert all(seconds > MAX_LATE.total_seconds() for seconds in truth.too_late.values())
    assert all(seconds > MAX_AHEAD.total_seconds() for seconds in truth.wrong_clocks.values())


def test_what_is_out_of_order_comes_after_later_events_but_not_long_after() -> None:
    lines, truth = injected(shares=Shares(out_of_order=0.2))
    place = {event.event_id: number for number, event in enumerate(parsed(lines))}
    overtaken = {
        event.event_id: sum(
            place[later.event_id] < place[event.event_id]
            for later in EVENTS[number + 1 : number + 1 + 2 * MAX_DELAY]
        )
        for number, event in enumerate(EVENTS)
    }
    delayed = set(truth.out_of_order)
    # a delayed event may overtake one that is delayed longer; an event without a fault never does
    assert {i for i, count in overtaken.items() if count} <= delayed
    assert sum(overtaken[i] > 0 for i in delayed) > 0.9 * len(delayed)
    assert 1 < max(overtaken.values()) <= MAX_DELAY


def test_equal_seeds_give_the_same_faults_and_other_seeds_others() -> None:
    assert injected(seed=1)[0] == injected(seed=1)[0]
    assert injected(seed=1)[1].duplicates != injected(seed=2)[1].duplicates


@pytest.mark.parametrize("spoil", MALFORMED)
def test_a_malformed_line_is_one_line_and_not_an_event(spoil) -> None:
    line = spoil(message_of(EVENTS[0]).line)
    assert b"\n" not in line
    with pytest.raises(ValidationError):
        Event.model_validate_json(line)


@pytest.mark.parametrize("shares", [{"late": -0.1}, {"late": 0.6, "duplicates": 0.6}])
def test_shares_beyond_0_and_1_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        Shares(**shares)
