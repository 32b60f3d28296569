"""The simulator and the speed layer as processes beside something else: a pipeline, or a watcher.

Both end by themselves some time after they were due to, should whoever started them be killed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo_shop.source_data import is_demo_shop
from recomart import processes
from recomart.errors import StreamFailed
from recomart.redis import connect
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress
from recomart.streams import stream_key
from streaming.transports.redis_stream import find_group

SIMULATOR, SPEED_LAYER = "stream-simulator", "stream-speed-layer"
"""Their names among the lake's processes and logs."""

EVENTS_PER_SECOND = 10.0
"""Of the simulated visitors beside a pipeline: enough to see something in 20 s."""

ORPHAN_SECONDS = 600.0
"""The speed layer ends so long after the simulator, when nobody has ended it before."""

DRAIN_SECONDS = 60.0
REDIS_SECONDS = 5.0
POLL_SECONDS = 0.1


def why_nothing_is_streamed(settings: Settings) -> str | None:
    """A sentence for the step's line; None when something is streamed."""
    if not settings.stream_seconds:
        return "nothing is streamed: RECOMART_STREAM_SECONDS is 0"
    if not is_demo_shop(settings):
        return "nothing is streamed: this shop has no simulated users"
    return None


@contextmanager
def stream_in_background(settings: Settings) -> Iterator[None]:
    """Simulator and speed layer run while the block does, for `stream_seconds` at the longest.

    What a killed run has left is ended first; at the end of the block, however it ends, neither
    runs any more.
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
    """Both run while the block does; the simulator ends after `seconds`, None: not by itself."""
    end(settings)
    told = told_file(settings)
    told.unlink(missing_ok=True)
    connect(settings).close()  # one server for both, and one clear error when there is none
    until = [] if seconds is None else ["--seconds", str(seconds + ORPHAN_SECONDS)]
    duration = [] if seconds is None else ["--duration", str(seconds)]
    told_at = ["--rate", str(rate), "--truth", str(told)]
    try:
        _start(settings, SPEED_LAYER, ["stream", "--transport", "redis", *until])
        _start(settings, SIMULATOR, ["simulate", "--to", "redis", *told_at, *duration])
        yield
    finally:
        end(settings)


def end(settings: Settings) -> None:
    """End both, the simulator first, so that the speed layer keeps what was told."""
    processes.stop(settings, SIMULATOR)
    processes.stop(settings, SPEED_LAYER)


def told_file(settings: Settings) -> Path:
    """Where the simulator says at its end what it told."""
    return settings.lake / "tmp" / "stream_told.json"


def load_stream(settings: Settings, progress: Progress = no_progress) -> StepResult:
    """Wait until the simulator has ended and all it told is kept; load it into raw.events.

    Raises:
        StreamFailed: simulator or speed layer ended before their time; shows what they said.
        SourceError: a segment could not be loaded.
    """
    if reason := why_nothing_is_streamed(settings):
        return StepResult(0, "events", reason)
    _await_simulator(settings, progress)
    told = _told(settings)
    progress("drained", 0, told)
    _await_drained(settings)
    processes.stop(settings, SPEED_LAYER)
    folded = _fold(settings)
    seconds = f"{settings.stream_seconds:g} s"
    # another consumer of the lake may hold some in a segment that is still open
    kept = "all kept" if folded >= told else f"{told:,} told"
    return StepResult(folded, "events", f"in {seconds} beside the batch, {kept}")


def _start(settings: Settings, name: str, verb: list[str]) -> None:
    argv = [sys.executable, "-m", "orchestration", *verb]
    (settings.logs / f"{name}.log").unlink(missing_ok=True)
    processes.spawn(settings, name, argv, 0, settings.environment())


def _await_simulator(settings: Settings, progress: Progress) -> None:
    stop_at = time.monotonic() + settings.stream_seconds + DRAIN_SECONDS
    while processes.running(settings, SIMULATOR) and time.monotonic() < stop_at:
        _require_speed_layer(settings)
        progress("the stream runs to its end", 0, 0)
        time.sleep(POLL_SECONDS)


def _told(settings: Settings) -> int:
    """How many messages the simulator has told."""
    try:
        return json.loads(told_file(settings).read_text())["expected"]["messages"]
    except FileNotFoundError:
        raise _failed(settings, SIMULATOR) from None


def _await_drained(settings: Settings) -> None:
    """Wait until the group has read and acknowledged every entry of the stream."""
    client = connect(settings, deadline=REDIS_SECONDS)
    stop_at = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < stop_at:
        group = find_group(client, stream_key(settings.feast_project).encode())
        if group and group[b"pending"] == 0 and group[b"lag"] == 0:
            return
        _require_speed_layer(settings)
        time.sleep(POLL_SECONDS)
    raise _failed(settings, SPEED_LAYER)


def require_running(settings: Settings) -> None:
    """Raise StreamFailed when one of both has ended."""
    for name in (SIMULATOR, SPEED_LAYER):
        if not processes.running(settings, name):
            raise _failed(settings, name)


def _require_speed_layer(settings: Settings) -> None:
    if not processes.running(settings, SPEED_LAYER):
        raise _failed(settings, SPEED_LAYER)


def _failed(settings: Settings, name: str) -> StreamFailed:
    log = settings.logs / f"{name}.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    who = name.removeprefix("stream-").replace("-", " ")
    return StreamFailed(
        f"the {who} did not do its work beside the pipeline",
        where=str(log),
        found="\n         ".join(lines[-3:]) or "nothing in its log",
        help="what it had kept is loaded by the next 'recomart ingest'; RECOMART_STREAM_SECONDS=0 "
        "runs the pipeline without a stream",
    )


def _fold(settings: Settings) -> int:
    """Load the sealed segments; how many events among them are new."""
    from ingestion.ingest import fold

    loaded = fold(settings).loaded
    return sum((load.records or 0) - (load.deduplicated or 0) for load in loaded)
