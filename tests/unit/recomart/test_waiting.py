from recomart.waiting import wait_until


def test_it_returns_the_first_true_answer() -> None:
    answers = iter([None, 0, "ready", "later"])
    assert wait_until(lambda: next(answers), 60, poll=0.0) == "ready"
    assert next(answers) == "later"


def test_it_returns_none_when_the_time_is_up_after_at_least_one_call() -> None:
    calls: list[int] = []
    assert not wait_until(lambda: bool(calls.append(1)), 0.0)
    assert calls == [1]


def test_it_gives_up_early_when_waiting_is_pointless() -> None:
    calls: list[int] = []
    assert not wait_until(
        lambda: bool(calls.append(1)), 60, give_up=lambda: len(calls) == 2, poll=0.0
    )
    assert len(calls) == 2
