"""Events from a Redis Stream, through the consumer group of the speed layer."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from feature_store.online import resp
from recomart.streams import FIELD, GROUP
from streaming.received import Delivery
from streaming.transports.transport import Backlog, received_at

log = logging.getLogger(__name__)

TRIM_SECONDS = 1.0
CLAIM_SECONDS = 30.0
"""A delivery that nobody acknowledged for so long is taken over: its consumer is dead, or stuck."""

_GROUP = GROUP.encode()
Entry = list[Any]
"""As Redis gives it: id and [field, value, ...]; no fields when the entry is no more."""


class RedisStream:
    """A member of the group. Its own unacknowledged entries come first, then new ones, and now and
    then those of a member that is dead. What all groups acknowledged is trimmed."""

    name = "redis"
    redelivers = True
    ended = False

    def __init__(
        self,
        client: redis.Redis,
        key: str,
        consumer: str,
        *,
        claim_seconds: float = CLAIM_SECONDS,
    ) -> None:
        self._client = client
        self._key = key.encode()
        self._consumer = consumer.encode()
        self._claim_ms = b"%d" % round(1000 * claim_seconds)
        self._claim_every = claim_seconds / 2
        self._claim_at = time.monotonic()
        self._claim_from = b"0-0"
        self._own_from: bytes | None = b"0-0"
        self._to_trim = False
        self._trim_at = 0.0

    def read(self, most: int, wait: float) -> list[Delivery]:
        """As `Transport.read`.

        Raises:
            RedisError: the server is away, frozen or refuses.
        """
        try:
            if self._to_trim and time.monotonic() >= self._trim_at:
                self._trim()
            return self._deliveries(self._entries_of_group(most, wait))
        except RedisError:
            # what the server gave and we never saw is ours and unacknowledged
            self._own_from = b"0-0"
            raise

    def _entries_of_group(self, most: int, wait: float) -> list[Entry]:
        try:
            return self._entries(most, wait)
        except ResponseError as exc:
            if "NOGROUP" not in str(exc):
                raise
            # not made ahead: a server at its memory limit would refuse that, though it is there
            self._make_group()
            return []

    def _entries(self, most: int, wait: float) -> list[Entry]:
        if self._own_from is not None:
            entries = self._group_read(most, self._own_from)
            if entries:
                self._own_from = entries[-1][0]
                return entries
            self._own_from = None
        if time.monotonic() >= self._claim_at and (entries := self._claim(most)):
            return entries
        return self._group_read(most, b">", wait)

    def _group_read(self, most: int, start: bytes, wait: float = 0.0) -> list[Entry]:
        block = (b"BLOCK", b"%d" % round(1000 * wait)) if wait >= 0.001 else ()
        reply = self._ask(
            b"XREADGROUP", b"GROUP", _GROUP, self._consumer, b"COUNT", b"%d" % most, *block,
            b"STREAMS", self._key, start,
        )  # fmt: skip
        return reply[0][1] if reply else []

    def _claim(self, most: int) -> list[Entry]:
        """Entries of members that have been silent for long; theirs are ours from now on."""
        reply = self._ask(
            b"XAUTOCLAIM", self._key, _GROUP, self._consumer, self._claim_ms, self._claim_from,
            b"COUNT", b"%d" % most,
        )  # fmt: skip
        self._claim_from = reply[0]
        if self._claim_from == b"0-0":
            self._claim_at = time.monotonic() + self._claim_every
        if reply[1]:
            log.info("took over %d events of a consumer that is silent", len(reply[1]))
        if reply[2]:
            self._say_trimmed(reply[2])
        return reply[1]

    def _deliveries(self, entries: list[Entry]) -> list[Delivery]:
        gone = [entry[0] for entry in entries if not entry[1]]
        if gone:
            self._say_trimmed(gone)
            self._acknowledge(gone)
        return [_delivery(entry) for entry in entries if entry[1]]

    def _say_trimmed(self, gone: Sequence[bytes]) -> None:
        log.error(
            "%d entries of %s were trimmed by somebody before they were read, from %s on",
            len(gone), self._key.decode(), gone[0].decode(),
        )  # fmt: skip

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """As `Transport.acknowledge`.

        Raises:
            RedisError: the server is away, frozen or refuses. It may be asked again.
        """
        self._acknowledge([delivery.transport_id.encode() for delivery in deliveries])

    def _acknowledge(self, ids: Sequence[bytes]) -> None:
        self._ask(b"XACK", self._key, _GROUP, *ids)
        self._to_trim = True

    def _trim(self) -> None:
        """Remove what every group has acknowledged: all before the oldest entry that one has not.

        MAXLEN would remove unread and unacknowledged entries too.
        """
        lowest: list[tuple[int, int]] = []
        for group in _groups(self._client, self._key):
            if group[b"pending"]:
                summary = self._ask(b"XPENDING", self._key, group[b"name"])
                lowest.append(_ordered(summary[1] or group[b"last-delivered-id"]))
            else:
                at, number = _ordered(group[b"last-delivered-id"])
                lowest.append((at, number + 1))
        if lowest:
            self._ask(b"XTRIM", self._key, b"MINID", b"~", b"%d-%d" % min(lowest))
        self._to_trim = False
        self._trim_at = time.monotonic() + TRIM_SECONDS

    def backlog(self) -> Backlog:
        """As `Transport.backlog`, for the whole group.

        Raises:
            RedisError: the server is away, frozen or refuses.
        """
        group = find_group(self._client, self._key)
        return Backlog(group[b"lag"], group[b"pending"]) if group else Backlog(None, 0)

    def _make_group(self) -> None:
        try:
            self._ask(b"XGROUP", b"CREATE", self._key, _GROUP, b"0", b"MKSTREAM")
        except ResponseError as exc:
            if "BUSYGROUP" not in str(exc):
                raise

    def _ask(self, *parts: bytes) -> Any:
        return resp.exchange(self._client, [resp.command(*parts)])[0]

    def close(self) -> None:
        """Trim once more. What is unacknowledged waits for this member, or for one to claim it."""
        if self._to_trim:
            with suppress(RedisError):
                self._trim()


def find_group(client: redis.Redis, key: bytes) -> dict[bytes, Any] | None:
    """What XINFO says of the speed layer's group; None before anybody has consumed.

    Raises:
        RedisError: the server is away, frozen or refuses.
    """
    return next((group for group in _groups(client, key) if group[b"name"] == _GROUP), None)


def _groups(client: redis.Redis, key: bytes) -> list[dict[bytes, Any]]:
    try:
        (listed,) = resp.exchange(client, [resp.command(b"XINFO", b"GROUPS", key)])
    except ResponseError as exc:
        if "no such key" not in str(exc):
            raise
        return []  # nothing was sent yet, or somebody deleted it
    return [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in listed]


def _delivery(entry: Entry) -> Delivery:
    name, fields = entry[0].decode(), entry[1]
    # an entry of another shape is a dead letter, with all that it holds
    body = fields[1] if fields[0] == FIELD and len(fields) == 2 else b" ".join(fields)
    return Delivery(name, received_at(_ordered(entry[0])[0]), body)


def _ordered(entry_id: bytes) -> tuple[int, int]:
    at, _, number = entry_id.partition(b"-")
    return int(at), int(number)
