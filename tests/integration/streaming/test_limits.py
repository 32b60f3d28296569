"""What is full, frozen or stopped: the speed layer waits, says so, and loses nothing."""

from __future__ import annotations

import gzip
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

import feature_store.online.redis
from feature_store.online.redis import connect
from feature_store.realtime.streams import EVENTS
from recomart import processes
from recomart.errors import StreamFailed
from recomart.settings import Settings, load_settings
from streaming.check import check
from streaming.journal import Journal, SegmentLimits, batches, recover
from streaming.received import Delivery, Received
from streaming.status import consumer_state, status
from streaming.validation import validate
from tests.integration.streaming.stream_runs import kept, left_open, run, start, to_redis

Line = Callable[..., bytes]


@pytest.fixture
def received(make_line: Line) -> list[Received]:
    from datetime import UTC, datetime

    found = [
        validate(Delivery(f"{number}-0", datetime.now(UTC), make_line(number)))
        for number in range(100)
    ]
    return [one for one in found if isinstance(one, Received)]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond it, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def mounted(path: Path) -> Iterator[None]:
    """A file that cannot be removed."""
    mount = ["mount", "--bind", str(path), str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def said(process: subprocess.Popen[bytes]) -> str:
    """The next line that it says to the user; waits for it."""
    assert process.stderr is not None
    return process.stderr.readline().decode()


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)


def test_a_batch_that_finds_no_room_leaves_no_trace(
    tmp_path: Path, received: list[Received]
) -> None:
    journal = Journal(tmp_path, "c-1", SegmentLimits())
    journal.append(received[:10], [])
    (segment,) = (tmp_path / EVENTS).glob("*/*")
    size = segment.stat().st_size
    with largest_file(size + 700), pytest.raises(OSError, match="File too large"):
        journal.append(received[10:], [])
    assert segment.stat().st_size == size  # the torn tail is cut

    journal.append(received[10:], [])
    journal.seal()

    assert [one.event.event_id for one in received] == _ids(tmp_path)


def test_a_torn_tail_is_cut_and_the_segment_sealed_by_the_next_start(
    tmp_path: Path, received: list[Received]
) -> None:
    journal = Journal(tmp_path, "c-1", SegmentLimits())
    journal.append(received[:10], [])
    (segment,) = (tmp_path / EVENTS).glob("*/*")
    with open(segment, "ab") as torn:
        torn.write(b'{"event_id": "half an ev')
    assert list(recover(tmp_path)) == []  # its owner lives
    journal.release()

    (events,) = recover(tmp_path)

    assert [one.event for one in events] == [one.event for one in received[:10]]
    assert _ids(tmp_path) == [f"e{number}" for number in range(10)]
    assert list(recover(tmp_path)) == []


@pytest.mark.parametrize("zeros", [(1, 1), (0, 3), (96, 99)], ids=["inside", "first", "last"])
def test_a_page_of_zeros_costs_the_lines_that_it_covers_and_no_others(
    tmp_path: Path, received: list[Received], zeros: tuple[int, int]
) -> None:
    """After a power cut a file may have a page whose bytes were never written."""
    journal = Journal(tmp_path, "c-1", SegmentLimits())
    journal.append(received, [])
    journal.release()
    (segment,) = (tmp_path / EVENTS).glob("*/*")
    lines = segment.read_bytes().splitlines(keepends=True)
    first, last = zeros
    start = sum(map(len, lines[:first])) + 20
    end = sum(map(len, lines[:last])) + 30
    whole = b"".join(lines)
    damaged = whole[:start] + bytes(end - start) + whole[end:]
    segment.write_bytes(damaged)

    (events,) = recover(tmp_path)

    expected = [one.event for one in received[:first] + received[last + 1 :]]
    assert [one.event for one in events] == expected
    (sealed,) = (tmp_path / EVENTS).glob("*/*.gz")
    kept_bytes = damaged if last < 99 else damaged[: start - 20]  # a torn tail is cut
    assert gzip.decompress(sealed.read_bytes()) == kept_bytes


def test_a_sealed_segment_that_is_cut_off_is_named(
    tmp_path: Path, received: list[Received]
) -> None:
    journal = Journal(tmp_path, "c-1", SegmentLimits())
    journal.append(received, [])
    journal.seal()
    (sealed,) = (tmp_path / EVENTS).glob("*/*.gz")
    sealed.write_bytes(sealed.read_bytes()[:-20])

    with pytest.raises(StreamFailed, match=re.escape(f"the segment {sealed.name} is damaged")):
        list(batches(sealed))


def test_a_crash_while_sealing_leaves_one_good_copy(
    tmp_path: Path, received: list[Received]
) -> None:
    journal = Journal(tmp_path, "c-1", SegmentLimits())
    journal.append(received[:10], [])
    (opened,) = (tmp_path / EVENTS).glob("*/*")
    before = opened.read_bytes()
    journal.seal()
    opened.write_bytes(before)  # as if it had died between the rename and the end of the open file

    assert list(recover(tmp_path)) == []
    assert not opened.exists()
    assert _ids(tmp_path) == [f"e{number}" for number in range(10)]


def test_nothing_is_appended_to_a_segment_whose_sealed_copy_is_there(
    tmp_path: Path, received: list[Received]
) -> None:
    """Its open file cannot be removed: what came after the copy would go with it later."""
    journal = Journal(tmp_path, "c-1", SegmentLimits())
    journal.append(received[:10], [])
    (opened,) = (tmp_path / EVENTS).glob("*/*")
    with mounted(opened):
        journal.seal()
        journal.append(received[10:], [])
        assert list(recover(tmp_path)) == []  # nor does it end whoever finds it
    journal.release()

    list(recover(tmp_path))

    assert _ids(tmp_path) == [one.event.event_id for one in received]


def test_an_orphan_for_which_there_was_no_room_is_sealed_when_there_is(
    tmp_path: Path, received: list[Received]
) -> None:
    journal = Journal(tmp_path, "c-1", SegmentLimits())
    journal.append(received, [])
    journal.release()
    with largest_file(100):
        (events,) = recover(tmp_path)
    assert len(events) == 100
    assert not list((tmp_path / EVENTS).glob("*/*.gz"))

    (events,) = recover(tmp_path)

    assert len(events) == 100
    assert len(_ids(tmp_path)) == 100


def test_segments_are_sealed_when_full_or_old(tmp_path: Path, received: list[Received]) -> None:
    journal = Journal(tmp_path, "c-1", SegmentLimits(bytes=1_000, seconds=60))
    journal.append(received[:1], [])
    journal.seal_due()
    assert not list((tmp_path / EVENTS).glob("*/*.gz"))
    journal.append(received[1:10], [])
    journal.seal_due()
    assert _ids(tmp_path) == [f"e{number}" for number in range(10)]

    old = Journal(tmp_path, "c-2", SegmentLimits(bytes=1_000, seconds=0))
    old.append(received[10:11], [])
    old.seal_due()
    assert len(list((tmp_path / EVENTS).glob("*/*.gz"))) == 2


@pytest.mark.slow
def test_a_full_disk_stops_the_reader_and_loses_nothing(
    settings: Settings, make_line: Line
) -> None:
    to_redis(settings, [make_line(number, session_id="s" * 200) for number in range(3_000)])
    with small_disk(settings.raw, 300):
        process = start(settings, "--transport", "redis")
        complaint = said(process)
        assert "the lake's disk cannot store the segment (No space left on device)" in complaint
        waiting = status(connect(settings), settings)
        assert waiting.backlog is not None
        assert waiting.backlog.pending > 0
        _until_reported(settings, "the lake's disk cannot store the segment")
        subprocess.run(["mount", "-o", "remount,size=8m", str(settings.raw)], check=True)
        assert "resumed after" in said(process)
        _until_drained(settings)
        stop(process)

        result = check(connect(settings), settings)
        assert (result.accepted, result.redelivered, result.agrees) == (3_000, 0, True)


@pytest.mark.slow
def test_a_frozen_redis_is_waited_for(settings: Settings, make_line: Line) -> None:
    to_redis(settings, [make_line(1)])
    process = start(settings, "--transport", "redis")
    _until_drained(settings)
    server = processes.running(settings, "redis")
    assert server is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        assert "Redis does not answer" in said(process)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert "resumed after" in said(process)
    to_redis(settings, [make_line(number) for number in range(500)])
    _until_drained(settings)
    stop(process)

    assert check(connect(settings), settings).agrees
    assert len({record["event_id"] for record in kept(settings)}) == 500


@pytest.mark.slow
def test_a_redis_that_comes_back_on_another_port_is_found(
    settings: Settings, make_line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another lake's server has its old port by then, and must get nothing of this stream."""
    other = load_settings(shop="demo", lake=tmp_path / "other")
    to_redis(settings, [make_line(1)])
    process = start(settings, "--transport", "redis")
    _until_drained(settings)
    server = processes.running(settings, "redis")
    assert server is not None
    process.send_signal(signal.SIGSTOP)  # so that it does not start it again at once
    try:
        os.kill(server.pid, signal.SIGKILL)
        psutil.Process(server.pid).wait(5)
        monkeypatch.setattr(feature_store.online.redis, "FIRST_PORT", server.port)
        strangers = connect(other)
        to_redis(settings, [make_line(number) for number in range(500)])
        process.send_signal(signal.SIGCONT)
        _until_drained(settings)
        stop(process)

        assert strangers.dbsize() == 0
    finally:
        process.send_signal(signal.SIGCONT)
        processes.stop_all(other)
    assert check(connect(settings), settings).agrees
    assert len({record["event_id"] for record in kept(settings)}) == 500


@pytest.mark.slow
def test_a_stream_that_somebody_deletes_is_made_again(settings: Settings, make_line: Line) -> None:
    to_redis(settings, [make_line(1)])
    process = start(settings, "--transport", "redis")
    _until_drained(settings)
    connect(settings).flushall()
    to_redis(settings, [make_line(2)])
    _until_drained(settings)
    stop(process)

    assert [record["event_id"] for record in kept(settings)] == ["e1", "e2"]


@pytest.mark.slow
def test_a_redis_at_its_memory_limit_is_waited_for(settings: Settings, make_line: Line) -> None:
    client = connect(settings)
    run(settings, "--transport", "redis", "--idle-exit", "0")  # makes the group
    to_redis(settings, [make_line(number) for number in range(2_000)])
    client.config_set("maxmemory", client.info("memory")["used_memory"])
    process = start(settings, "--transport", "redis")
    assert "Redis is at its memory limit (OOM): raise maxmemory" in said(process)
    waiting = status(client, settings)
    assert waiting.backlog is not None
    assert waiting.backlog.pending > 0  # kept, and not acknowledged
    client.config_set("maxmemory", 0)
    assert "resumed after" in said(process)
    _until_drained(settings)
    stop(process)

    result = check(client, settings)
    assert (result.accepted, result.redelivered, result.agrees) == (2_000, 0, True)


@pytest.mark.slow
def test_what_a_stuck_pipe_had_kept_reaches_the_state_at_the_next_start(
    settings: Settings, make_line: Line
) -> None:
    """A pipe cannot deliver again; the segment of the one that was stopped is still open."""
    client = connect(settings)
    client.config_set("maxmemory", 1)
    process = start(settings, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"".join(make_line(number) + b"\n" for number in range(50)))
    process.stdin.close()
    assert "OOM" in said(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 1
    assert b"stream-interrupted" in process.stderr.read()  # type: ignore[union-attr]  # it is a pipe
    assert len(left_open(settings)) == 1

    client.config_set("maxmemory", 0)
    run(settings, stdin=b"")

    result = check(client, settings)
    assert (result.accepted, result.state_events, result.agrees) == (50, 50, True)
    assert left_open(settings) == []


def _until_drained(settings: Settings) -> None:
    client, end = connect(settings), time.monotonic() + 60
    while (backlog := status(client, settings).backlog) is None or backlog.pending or backlog.lag:
        assert time.monotonic() < end, backlog
        time.sleep(0.05)


def _until_reported(settings: Settings, what: str) -> None:
    """Until `recomart stream status` says of the consumer that it waits for that."""
    client, end = connect(settings), time.monotonic() + 60
    while what not in consumer_state(status(client, settings).consumers[0]):
        assert time.monotonic() < end
        time.sleep(0.05)


def _ids(raw: Path) -> list[str]:
    import gzip
    import json

    whole = b"".join(
        gzip.decompress(path.read_bytes()) for path in sorted((raw / EVENTS).glob("*/*.gz"))
    )
    return [json.loads(line)["event_id"] for line in whole.splitlines()]
