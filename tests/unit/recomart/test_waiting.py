from __future__ import annotations

from recomart.waiting import wait_until


def test_what_comes_in_time_is_returned() -> None:
    answers = iter([None, None, "here"])
    assert wait_until(lambda: next(answers), timeout=5, poll=0.001) == "here"


def test_what_does_not_come_is_none_and_is_asked_for_at_least_once() -> None:
    asked: list[int] = []
    assert wait_until(lambda: asked.append(1), timeout=0) is None
    assert asked == [1]
