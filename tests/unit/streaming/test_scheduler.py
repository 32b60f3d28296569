"""When events are sent. No test here depends on the speed of the machine."""

import math
import threading
import time
from itertools import count

from streaming.simulator.scheduled_event import ScheduledEvent
from streaming.simulator.scheduler import BATCH, MAX_DELAY, Scheduler
from streaming.stop_signals import Stop


def scheduled(*at: float) -> list[ScheduledEvent]:
    return [ScheduledEvent(second, f"e{n}", "view", "u", None, None) for n, second in enumerate(at)]


def test_no_event_is_sent_before_it_is_due_at_the_speed() -> None:
    begin = time.monotonic()
    for batch in Scheduler(speed=10, stop=Stop()).batches(scheduled(0, 1, 1, 2.5)):
        assert time.monotonic() - begin >= batch[-1].offset / 10


def test_all_events_are_sent_in_their_order() -> None:
    for speed in (math.inf, 1000.0):
        scheduler = Scheduler(speed=speed, stop=Stop())
        sent = [d.event_id for batch in scheduler.batches(scheduled(*range(50))) for d in batch]
        assert sent == [f"e{n}" for n in range(50)]


def test_without_waiting_batches_are_full() -> None:
    scheduler = Scheduler(speed=math.inf, stop=Stop())
    assert [len(b) for b in scheduler.batches(scheduled(*[9.0] * (2 * BATCH + 1)))] == [
        BATCH,
        BATCH,
        1,
    ]


def test_it_ends_after_its_seconds_though_events_go_on() -> None:
    endless = (ScheduledEvent(n / 100, f"e{n}", "view", "u", None, None) for n in count())
    sent = sum(len(b) for b in Scheduler(seconds=0.3, stop=Stop()).batches(endless))
    assert 1 <= sent <= 31


def test_a_stop_ends_a_wait() -> None:
    stop = Stop()
    threading.Timer(0.1, stop.set).start()
    assert list(Scheduler(stop=stop).batches(scheduled(3600))) == []


def test_it_does_not_make_up_for_the_pause_of_a_slow_reader() -> None:
    batches = Scheduler(speed=100, stop=Stop()).batches(scheduled(0, 1, 2, 60))
    next(batches)
    time.sleep(MAX_DELAY + 0.2)
    resumed = time.monotonic()
    sent = [event.offset for batch in batches for event in batch]
    assert sent == [1, 2, 60]
    assert time.monotonic() - resumed >= 0.5  # the last is due 0.59 s after the second
