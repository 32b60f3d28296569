"""Malformed lines. Each is made from a valid event, so that it looks like one."""

from __future__ import annotations

import json
from collections.abc import Callable


def _with(column: str, value: object) -> Callable[[bytes], bytes]:
    return lambda line: json.dumps(json.loads(line) | {column: value}).encode()


def _without(column: str) -> Callable[[bytes], bytes]:
    def spoil(line: bytes) -> bytes:
        fields = json.loads(line)
        del fields[column]
        return json.dumps(fields).encode()

    return spoil


MALFORMED: tuple[Callable[[bytes], bytes], ...] = (
    lambda line: line[: len(line) // 2],
    lambda line: b"404 page not found",
    lambda line: b"[" + line + b"]",
    lambda line: b"[" * 5000,
    lambda line: line.replace(b'"user_id":"', b'"user_id":"\xff'),
    _without("user_id"),
    _without("occurred_at"),
    _with("event_id", ""),
    _with("event_type", "hover"),
    _with("occurred_at", "yesterday"),
    _with("user_id", 17),
    _with("colour", "blue"),
)
