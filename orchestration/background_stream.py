"""Runs the simulator and the speed layer as background processes of a pipeline or of `make stream`.

If the process that started them is killed, both stop by themselves some time after their due time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo_shop.source_data import is_demo_shop
from feature_store.online.redis import connect
from feature_store.realtime.streams import stream_key
from recomart import processes
from recomart.errors import StreamFailed
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress
from recomart.waiting import wait_until
from streaming.transports.redis_stream import find_group

SIMULATOR, SPEED_LAYER = "stream-simulator", "stream-speed-layer"
"""The names of their process records and logs in the lake."""

EVENTS_PER_SECOND = 10.0
"""The rate of the visitors during a pipeline: enough to see an effect within 20 s."""

ORPHAN_SECONDS = 600.0
"""The speed layer stops this long after the simulator, if nobody stops it before."""

DRAIN_SECONDS = 60.0
REDIS_SECONDS = 5.0
POLL_SECONDS = 0.1
LOG_LINES = 3


def why_nothing_is_streamed(settings: Settings) -> str | None:
    """Why the `stream` step has nothing to do; None if it streams."""
    if not settings.stream_seconds:
        return "not streamed: RECOMART_STREAM_SECONDS is 0"
    if not is_demo_shop(settings):
        return "not streamed: this shop has no simulated visitors"
    return None


@contextmanager
def stream_in_background(settings: Settings) -> Iterator[None]:
    """Run both while the block runs; the simulator stops after `stream_seconds`.

    Processes that a killed run has left are stopped first. Neither process runs after the block.
    """
    if why_nothing_is_streamed(settings):
        yield
        return
    with running(settings, seconds=settings.stream_seconds):
        yield


@contextmanager
def running(
    settings: Settings, *, seconds: float | None, rate: float = EVENTS_PER_SECOND
) -> Iterator[None]:
    """Run both while the block runs.

    Args:
        seconds: the simulator stops after this time; None: at the end of the block.
        rate: events per second.

    Raises:
        RedisUnavailable: Redis does not answer; nothing is started.
    """
    stop(settings)
    summary = summary_file(settings)
    summary.unlink(missing_ok=True)
    connect(settings).close()  # one server for both, and one clear error without one
    until = [] if seconds is None else ["--seconds", str(seconds + ORPHAN_SECONDS)]
    duration = [] if seconds is None else ["--duration", str(seconds)]
    options = ["--rate", str(rate), "--truth", str(summary), *duration]
    try:
        _start(settings, SPEED_LAYER, ["stream", "--transport", "redis", *until])
        _start(settings, SIMULATOR, ["simulate", "--to", "redis", *options])
        yield
    finally:
        stop(settings)


def stop(settings: Settings) -> None:
    """Stop both, the simulator first, so that the speed layer stores all events that it sent."""
    processes.stop(settings, SIMULATOR)
    processes.stop(settings, SPEED_LAYER)


def summary_file(settings: Settings) -> Path:
    """The file to which the simulator writes at its end how many messages it has sent."""
    return settings.lake / "tmp" / "simulator_summary.json"


def load_stream(settings: Settings, progress: Progress = no_progress) -> StepResult:
    """Wait until the simulator has ended and its events are stored, and load them to raw.events.

    Raises:
        StreamFailed: the simulator or the speed layer stopped early; shows the end of its log.
        SourceError: a segment could not be loaded.
    """
    if reason := why_nothing_is_streamed(settings):
        return StepResult(0, "events", reason)
    _wait_for_simulator(settings, progress)
    sent = _messages_sent(settings)
    progress("waiting until every event is stored", 0, sent)
    _wait_until_consumed(settings)
    processes.stop(settings, SPEED_LAYER)
    loaded = _load_segments(settings)
    # another consumer of the lake may hold some of the events in an open segment
    stored = "all loaded" if loaded >= sent else f"of {sent:,} sent"
    return StepResult(
        loaded, "events", f"streamed for {settings.stream_seconds:g} s in the background, {stored}"
    )


def _start(settings: Settings, name: str, verb: list[str]) -> None:
    argv = [sys.executable, "-m", "orchestration", *verb]
    (settings.logs / f"{name}.log").unlink(missing_ok=True)
    processes.spawn(settings, name, argv, 0, settings.environment())


def _wait_for_simulator(settings: Settings, progress: Progress) -> None:
    def ended() -> bool:
        _require(settings, SPEED_LAYER)
        progress("streaming", 0, 0)
        return not processes.running(settings, SIMULATOR)

    wait_until(ended, settings.stream_seconds + DRAIN_SECONDS, poll=POLL_SECONDS)


def _messages_sent(settings: Settings) -> int:
    """How many messages the simulator has sent, as its summary says."""
    try:
        return json.loads(summary_file(settings).read_text())["expected"]["messages"]
    except FileNotFoundError:
        raise _failed(settings, SIMULATOR) from None


def _wait_until_consumed(settings: Settings) -> None:
    """Wait until the consumer group has read and acknowledged every entry of the stream."""
    client = connect(settings, deadline=REDIS_SECONDS)

    def consumed() -> bool:
        group = find_group(client, stream_key(settings.feast_project).encode())
        if group is not None and group[b"pending"] == 0 and group[b"lag"] == 0:
            return True
        _require(settings, SPEED_LAYER)
        return False

    if not wait_until(consumed, DRAIN_SECONDS, poll=POLL_SECONDS):
        raise _failed(settings, SPEED_LAYER)


def require_running(settings: Settings) -> None:
    """Raise StreamFailed if the simulator or the speed layer has stopped."""
    for name in (SIMULATOR, SPEED_LAYER):
        _require(settings, name)


def _require(settings: Settings, name: str) -> None:
    if not processes.running(settings, name):
        raise _failed(settings, name)


def _failed(settings: Settings, name: str) -> StreamFailed:
    process = name.removeprefix("stream-").replace("-", " ")
    return StreamFailed(
        f"the {process} stopped too early or took too long",
        where=str(settings.logs / f"{name}.log"),
        found=processes.log_tail(settings, name, LOG_LINES),
        help="the next 'recomart ingest' loads the events that were stored; set "
        "RECOMART_STREAM_SECONDS=0 to run the pipeline without a stream",
    )


def _load_segments(settings: Settings) -> int:
    """Load the sealed segments. Returns how many of their events are new."""
    from ingestion.ingest import fold

    loaded = fold(settings).loaded
    return sum((load.records or 0) - (load.deduplicated or 0) for load in loaded)
