"""Calls in processes of their own: Surprise keeps the interpreter's lock while it learns."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar, cast

from recomart.errors import RecoMartError
from recomart.step import Progress

Result = TypeVar("Result", covariant=True)


class Call(Protocol[Result]):
    """Work that can be pickled, as a `functools.partial` of a module's function is.

    It reports progress as often as it can: a worker whose parent was killed ends at its next word.
    """

    def __call__(self, *, progress: Progress) -> Result: ...


def run_calls(calls: Sequence[Call[Result]], *, processes: int, progress: Progress) -> list[Result]:
    """The results of all calls, in their order.

    The first calls begin first: put the longest in front. What a call gives may not depend on
    whether it runs here or in another process.

    Args:
        processes: how many work at once; with 1 the calls run in this process.
        progress: of each call, as it comes.

    Raises:
        RecoMartError: a worker was ended from outside, as when memory ran out.
        Exception: what a call raised.
    """
    if processes == 1:
        return [call(progress=progress) for call in calls]
    results: dict[int, Result] = {}
    waiting = list(enumerate(calls))[::-1]
    with ExitStack() as stack:
        # not forked: DuckDB, Arrow and OpenMP have threads by now, and their locks would stay locked
        context = multiprocessing.get_context("spawn")
        workers = {}
        for _ in range(min(processes, len(calls))):
            worker = _Worker.start(context)
            stack.callback(worker.stop)
            workers[worker.connection] = worker
            worker.give(*waiting.pop())
        while len(results) < len(calls):
            for connection in wait(workers):
                worker = workers[cast(Connection, connection)]
                message = worker.receive()
                if isinstance(message, _Progress):
                    progress(message.what, message.done, message.total)
                    continue
                if message.error is not None:
                    raise message.error
                results[message.number] = cast(Result, message.result)
                if waiting:
                    worker.give(*waiting.pop())
    return [results[number] for number in range(len(calls))]


@dataclass(frozen=True)
class _Progress:
    what: str
    done: int
    total: int


@dataclass(frozen=True)
class _Answer:
    number: int
    result: object = None
    error: Exception | None = None


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    connection: Connection

    @classmethod
    def start(cls, context: Any) -> _Worker:
        parent_end, worker_end = context.Pipe()
        # a daemon: ended with this process, should it end without having come to `stop`
        process = context.Process(target=_work, args=(worker_end,), daemon=True)
        process.start()
        worker_end.close()
        return cls(process, parent_end)

    def give(self, number: int, call: Call[object]) -> None:
        self.connection.send((number, call))

    def receive(self) -> _Progress | _Answer:
        try:
            return cast(_Progress | _Answer, self.connection.recv())
        except (EOFError, ConnectionResetError) as exc:
            self.process.join()
            raise RecoMartError(
                "a process that fitted models was ended from outside",
                found=f"exit code {self.process.exitcode}",
                help="it may have been short of memory: RECOMART_THREADS=1 fits one at a time",
            ) from exc

    def stop(self) -> None:
        # killed, not terminated: it has nothing to clean up, and it may ignore SIGTERM, as it does
        # below nohup and Dagster
        self.process.kill()
        self.process.join()
        self.connection.close()


def _work(parent: Connection) -> None:
    # Ctrl-C goes to the whole group; the parent ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def progress(what: str, done: int, total: int) -> None:
        parent.send(_Progress(what, done, total))

    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        while True:
            number, call = parent.recv()
            try:
                answer = _Answer(number, result=call(progress=progress))
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as exc:
                answer = _Answer(number, error=exc)
            parent.send(answer)
