"""When drafts are told. Nothing here depends on how fast the machine is."""

import math
import threading
import time
from itertools import count

from streaming.simulator.draft import Draft
from streaming.simulator.pace import BATCH, BEHIND, Pace
from streaming.stop_signals import Stop


def drafts(*at: float) -> list[Draft]:
    return [Draft(second, f"e{n}", "view", "u", None, None) for n, second in enumerate(at)]


def test_no_draft_is_told_before_it_is_due_at_the_speed() -> None:
    begin = time.monotonic()
    for batch in Pace(speed=10, stop=Stop()).batches(drafts(0, 1, 1, 2.5)):
        assert time.monotonic() - begin >= batch[-1].at / 10


def test_all_drafts_are_told_in_their_order() -> None:
    for speed in (math.inf, 1000.0):
        pace = Pace(speed=speed, stop=Stop())
        told = [d.event_id for batch in pace.batches(drafts(*range(50))) for d in batch]
        assert told == [f"e{n}" for n in range(50)]


def test_without_waiting_batches_are_full() -> None:
    pace = Pace(speed=math.inf, stop=Stop())
    assert [len(b) for b in pace.batches(drafts(*[9.0] * (2 * BATCH + 1)))] == [BATCH, BATCH, 1]


def test_it_ends_after_its_seconds_though_drafts_go_on() -> None:
    endless = (Draft(n / 100, f"e{n}", "view", "u", None, None) for n in count())
    told = sum(len(b) for b in Pace(seconds=0.3, stop=Stop()).batches(endless))
    assert 1 <= told <= 31


def test_a_stop_ends_a_wait() -> None:
    stop = Stop()
    threading.Timer(0.1, stop.set).start()
    assert list(Pace(stop=stop).batches(drafts(3600))) == []


def test_it_does_not_make_up_for_the_pause_of_a_slow_reader() -> None:
    batches = Pace(speed=100, stop=Stop()).batches(drafts(0, 1, 2, 60))
    next(batches)
    time.sleep(BEHIND + 0.2)
    resumed = time.monotonic()
    told = [draft.at for batch in batches for draft in batch]
    assert told == [1, 2, 60]
    assert time.monotonic() - resumed >= 0.5  # the last is due 0.59 s after the second
