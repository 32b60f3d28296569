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
from feature_store.realtime.streams import FIELD, GROUP
from streaming.received import Delivery
from streaming.transports.transport import Backlog, received_at

log = logging.getLogger(__name__)

TRIM_SECONDS = 1.0
CLAIM_SECONDS = 30.0
"""After this time without acknowledgement a delivery is claimed: its consumer is dead or stuck."""

_GROUP = GROUP.encode()
Entry = list[Any]
"""As Redis returns it: an id and [field, value, ...], or no fields if the entry was deleted."""


class RedisStream:
    """A member of the consumer group.

    It reads its own unacknowledged entries first, then new ones, and from time to time those of a
    dead member. It trims entries that all groups have acknowledged.
    """

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

    def read(self, limit: int, timeout: float) -> list[Delivery]:
        """As `Transport.read`.

        Raises:
            RedisError: the server is down, frozen or refuses.
        """
        try:
            if self._to_trim and time.monotonic() >= self._trim_at:
                self._trim()
            return self._deliveries(self._entries_of_group(limit, timeout))
        except RedisError:
            # the server may have delivered entries in an answer that did not arrive
            self._own_from = b"0-0"
            raise

    def _entries_of_group(self, limit: int, timeout: float) -> list[Entry]:
        try:
            return self._entries(limit, timeout)
        except ResponseError as exc:
            if "NOGROUP" not in str(exc):
                raise
            # not created in advance: a server at its memory limit would refuse even if it exists
            self._create_group()
            return []

    def _entries(self, limit: int, timeout: float) -> list[Entry]:
        if self._own_from is not None:
            entries = self._group_read(limit, self._own_from)
            if entries:
                self._own_from = entries[-1][0]
                return entries
            self._own_from = None
        if time.monotonic() >= self._claim_at and (entries := self._claim(limit)):
            return entries
        return self._group_read(limit, b">", timeout)

    def _group_read(self, limit: int, start: bytes, timeout: float = 0.0) -> list[Entry]:
        block = (b"BLOCK", b"%d" % round(1000 * timeout)) if timeout >= 0.001 else ()
        reply = self._ask(
            b"XREADGROUP", b"GROUP", _GROUP, self._consumer, b"COUNT", b"%d" % limit, *block,
            b"STREAMS", self._key, start,
        )  # fmt: skip
        return reply[0][1] if reply else []

    def _claim(self, limit: int) -> list[Entry]:
        """Claim the entries of members that are dead or stuck."""
        reply = self._ask(
            b"XAUTOCLAIM", self._key, _GROUP, self._consumer, self._claim_ms, self._claim_from,
            b"COUNT", b"%d" % limit,
        )  # fmt: skip
        self._claim_from = reply[0]
        if self._claim_from == b"0-0":
            self._claim_at = time.monotonic() + self._claim_every
        if reply[1]:
            log.info("claimed %d events of a consumer that is dead or stuck", len(reply[1]))
        if reply[2]:
            self._log_trimmed(reply[2])
        return reply[1]

    def _deliveries(self, entries: list[Entry]) -> list[Delivery]:
        gone = [entry[0] for entry in entries if not entry[1]]
        if gone:
            self._log_trimmed(gone)
            self._acknowledge(gone)
        return [_delivery(entry) for entry in entries if entry[1]]

    def _log_trimmed(self, gone: Sequence[bytes]) -> None:
        log.error(
            "%d entries of %s were trimmed before they were read, the first is %s",
            len(gone), self._key.decode(), gone[0].decode(),
        )  # fmt: skip

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """As `Transport.acknowledge`.

        Raises:
            RedisError: the server is down, frozen or refuses. It is safe to repeat.
        """
        self._acknowledge([delivery.transport_id.encode() for delivery in deliveries])

    def _acknowledge(self, ids: Sequence[bytes]) -> None:
        self._ask(b"XACK", self._key, _GROUP, *ids)
        self._to_trim = True

    def _trim(self) -> None:
        """Remove the entries before the oldest one that some group has not acknowledged.

        MAXLEN would also remove unread and unacknowledged entries.
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
            RedisError: the server is down, frozen or refuses.
        """
        group = find_group(self._client, self._key)
        return Backlog(group[b"lag"], group[b"pending"]) if group else Backlog(None, 0)

    def _create_group(self) -> None:
        try:
            self._ask(b"XGROUP", b"CREATE", self._key, _GROUP, b"0", b"MKSTREAM")
        except ResponseError as exc:
            if "BUSYGROUP" not in str(exc):
                raise

    def _ask(self, *parts: bytes) -> Any:
        return resp.exchange(self._client, [resp.command(*parts)])[0]

    def close(self) -> None:
        """Trim once more. Unacknowledged entries wait for this member, or for another to claim them."""
        if self._to_trim:
            with suppress(RedisError):
                self._trim()


def find_group(client: redis.Redis, key: bytes) -> dict[bytes, Any] | None:
    """The speed layer's group as XINFO describes it; None before the first consumer.

    Raises:
        RedisError: the server is down, frozen or refuses.
    """
    return next((group for group in _groups(client, key) if group[b"name"] == _GROUP), None)


def _groups(client: redis.Redis, key: bytes) -> list[dict[bytes, Any]]:
    try:
        (listed,) = resp.exchange(client, [resp.command(b"XINFO", b"GROUPS", key)])
    except ResponseError as exc:
        if "no such key" not in str(exc):
            raise
        return []  # nothing was sent yet, or the stream was deleted
    return [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in listed]


def _delivery(entry: Entry) -> Delivery:
    name, fields = entry[0].decode(), entry[1]
    # an entry of another shape becomes a dead letter with all its fields
    body = fields[1] if fields[0] == FIELD and len(fields) == 2 else b" ".join(fields)
    return Delivery(name, received_at(_ordered(entry[0])[0]), body)


def _ordered(entry_id: bytes) -> tuple[int, int]:
    at, _, number = entry_id.partition(b"-")
    return int(at), int(number)
