"""Running `recomart stream` as the process that it is, and reading what it left."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from feature_store.online.redis import connect
from feature_store.realtime.streams import DEAD_LETTERS, EVENTS, FIELD, stream_key
from recomart.settings import PROJECT_ROOT, Settings
from streaming.segment import OPEN


def start(settings: Settings, *options: str, **popen: Any) -> subprocess.Popen[bytes]:
    """`recomart stream` with these options, in this lake."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", "stream", *options],
        env={**os.environ, **settings.environment()},
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **popen,
    )


def run(settings: Settings, *options: str, stdin: bytes | None = None) -> tuple[str, str]:
    """Run it to its end, which must be a good one; what it printed, and what it complained of."""
    pipe = subprocess.PIPE if stdin is not None else subprocess.DEVNULL
    process = start(settings, *options, stdin=pipe)
    out, err = process.communicate(stdin, timeout=120)
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


def to_redis(settings: Settings, lines: Iterable[bytes]) -> None:
    """Put lines into the shop's stream."""
    client = connect(settings)
    key = stream_key(settings.feast_project)
    pipeline = client.pipeline(transaction=False)
    for line in lines:
        pipeline.xadd(key, {FIELD: line})
    pipeline.execute()


def segments(settings: Settings, kind: str = EVENTS) -> list[Path]:
    """Sealed segments, in the order of their names."""
    return sorted((settings.raw / kind).glob("*/*.jsonl.gz"))


def left_open(settings: Settings) -> list[Path]:
    return sorted((settings.raw / "stream").rglob(f"*{OPEN}"))


def kept(settings: Settings, kind: str = EVENTS) -> list[dict[str, Any]]:
    """All records of the sealed segments."""
    whole = b"".join(gzip.decompress(path.read_bytes()) for path in segments(settings, kind))
    return [json.loads(line) for line in whole.splitlines()]


def dead(settings: Settings) -> list[dict[str, Any]]:
    return kept(settings, DEAD_LETTERS)
