"""Calls in processes of their own: same results as here, and none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import psutil
import pytest

from recomart.errors import RecoMartError
from recomart.step import Progress, no_progress
from training.interactions import Interactions
from training.kinds.svd import fit_svd
from training.workers import run_calls


def double(number: int, *, progress: Progress) -> int:
    progress("double", 1, 1)
    return 2 * number


def fail(*, progress: Progress) -> int:
    raise ValueError("the third")


def die(*, progress: Progress) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def talk_forever(*, progress: Progress) -> int:
    while True:
        progress(str(os.getpid()), 0, 0)
        time.sleep(0.05)


def test_results_come_in_the_order_of_the_calls_with_all_that_was_reported() -> None:
    told: list[tuple[str, int, int]] = []
    calls = [partial(double, number) for number in range(7)]
    found = run_calls(calls, processes=2, progress=lambda *call: told.append(call))
    assert found == [0, 2, 4, 6, 8, 10, 12]
    assert told == [("double", 1, 1)] * 7


def test_svd_of_another_process_is_svd_of_this_one_to_the_bit() -> None:
    pairs = np.random.default_rng(5).permutation(11 * 13)[:90]
    known = Interactions(
        pairs // 13, pairs % 13, (pairs % 5 + 1.0), np.zeros(90, dtype="datetime64[us]")
    )
    call = partial(fit_svd, known, users=11, products=13, scale=(1.0, 5.0), seed=7, epochs=3)
    (here,) = run_calls([call], processes=1, progress=no_progress)
    there, again = run_calls([call, call], processes=2, progress=no_progress)
    for other in (there, again):
        assert here.user_factors.tobytes() == other.user_factors.tobytes()
        assert here.product_factors.tobytes() == other.product_factors.tobytes()


def test_what_a_call_raises_there_is_raised_here() -> None:
    with pytest.raises(ValueError, match="the third"):
        run_calls([partial(double, 1), fail], processes=2, progress=no_progress)


def test_a_worker_killed_from_outside_is_an_error_that_says_so() -> None:
    with pytest.raises(RecoMartError, match="ended from outside") as raised:
        run_calls([die], processes=2, progress=no_progress)
    assert raised.value.found == "exit code -9"


def test_a_killed_parent_leaves_no_worker() -> None:
    code = (
        "from training.workers import run_calls;"
        "from tests.unit.training.test_workers import talk_forever;"
        "run_calls([talk_forever], processes=2, progress=lambda what, *_: print(what, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while _runs(worker):
        assert time.monotonic() < deadline, f"process {worker} goes on without its parent"
        time.sleep(0.05)


def test_workers_end_also_where_signals_are_ignored_as_below_nohup_and_dagster() -> None:
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "from functools import partial; from recomart.step import no_progress;"
        "from training.workers import run_calls; from tests.unit.training.test_workers import double;"
        "print(run_calls([partial(double, 1)] * 2, processes=2, progress=no_progress))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60)
    assert done.stdout == b"[2, 2]\n"


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
