"""Retrying against failures that pass, failures that do not, and a user who stops the program."""

import errno

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from recomart.errors import StreamInterrupted
from streaming import retrier
from streaming.retrier import Retrier

DOWN = RedisConnectionError("refused")
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrier, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(retrier, "LONGEST_PAUSE", 0.001)


class Action:
    """Raises the given errors, one per call, and then returns 42."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return 42


def test_it_retries_until_it_succeeds_and_says_once_what_it_waits_for() -> None:
    said: list[str] = []
    seen: list[BaseException] = []
    action = Action(*[DOWN] * 5, FULL, FULL)
    waiting = Retrier(said.append, lambda: False, seen.append)
    assert waiting.until_done(action) == 42
    assert action.calls == 8
    assert seen == [DOWN] * 5 + [FULL] * 2
    assert [line.split(";")[0].split(" after")[0] for line in said] == [
        "Redis is down or still starting",
        "the lake's disk cannot store the segment (No space left on device)",
        "resumed",
    ]
    assert waiting.waiting_for is None


def test_an_error_that_does_not_pass_is_raised_at_once() -> None:
    said: list[str] = []
    action = Action(ResponseError("WRONGTYPE Operation against a key"))
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        Retrier(said.append, lambda: False).until_done(action)
    assert action.calls == 1
    assert said == []


def test_it_ends_when_the_user_stops_the_program() -> None:
    said: list[str] = []
    action = Action(*[DOWN] * 10)
    waiting = Retrier(said.append, lambda: action.calls == 3)
    with pytest.raises(StreamInterrupted, match="Redis is down") as error:
        waiting.until_done(action)
    assert action.calls == 3
    assert error.value.__cause__ is DOWN
    assert waiting.waiting_for == "Redis is down or still starting"


def test_a_wait_that_began_in_one_action_ends_with_the_next_success() -> None:
    """The reports of a consumer show what it waits for, until something succeeds."""
    said: list[str] = []
    stop = False
    waiting = Retrier(said.append, lambda: stop)
    assert waiting.until_done(Action(DOWN)) == 42
    assert waiting.until_done(Action(DOWN)) == 42
    assert len(said) == 4
