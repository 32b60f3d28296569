"""The speed layer under kill -9: `python -m benchmarks.stream_crash [--events N] [--kills N]`.

Events with duplicates, malformed lines and disorder are consumed while the consumer is killed at
random moments and Redis twice. At the end a second consumer takes over from the first. Then
everything is read back: the counts must balance, and state and raw.events must equal those of an
undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing.process import BaseProcess
from pathlib import Path

import duckdb
import redis
from redis.exceptions import RedisError

from feature_store.online.redis import connect
from feature_store.realtime.streams import FIELD, stream_key
from ingestion.ingest import ingest
from recomart import processes
from recomart.errors import RedisUnavailable
from recomart.settings import Settings, load_settings
from streaming.check import Reconciliation, check
from streaming.speed_layer import ConsumerOptions
from streaming.status import status
from streaming.stream import stream

SHOP = """
title: A shop whose events come from the stream
ratings:
  files: "ratings.csv"
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""
CLAIM_SECONDS = 1.0
BATCH, EVENTS_A_SECOND = 10, 1_500
"""Micro-batches are small, so that there are many moments to be killed in; the kills are spread
over the time that it takes at this rate."""
TOLERANCE = 1e-9
"""Relative, of decayed sums, which are added up in another order."""


@dataclass(frozen=True)
class Outcome:
    """The result of a disturbed run, and its differences from an undisturbed one."""

    reconciliation: Reconciliation
    kills: int
    redis_kills: int
    seconds: float
    raw_events: int
    raw_distinct: int
    folded_twice: int
    """Deliveries that the ledger counted as redelivered."""
    differing_keys: int

    def lines(self) -> list[str]:
        """The outcome for people."""
        return [
            f"consumer killed {self.kills} times, Redis {self.redis_kills}, in {self.seconds:.0f} s",
            self.reconciliation.equation(),
            f"raw.events: {self.raw_events:,} rows, {self.raw_distinct:,} distinct events; "
            f"{self.folded_twice:,} redelivered copies in the ledger",
            f"real-time state: {self.reconciliation.state_events:,} events, {self.reconciliation.missing:,} "
            f"missing, {self.reconciliation.unexplained:,} unexplained; {self.differing_keys} keys differ from "
            "an undisturbed run",
        ]


def lines_of(events: int, seed: int) -> list[bytes]:
    """Lines of events: 5% repeat an earlier event, 2% are malformed, 5% happened up to an hour before."""
    chance, now = random.Random(seed), datetime.now(UTC)
    lines: list[bytes] = []
    sent: list[bytes] = []
    for number in range(events):
        kind = chance.random()
        if kind < 0.02:
            lines.append(
                chance.choice([b"not json", b'{"event_id": ', b"[1]", b'{"event_id": "x"}'])
            )
        elif kind < 0.07 and sent:
            lines.append(chance.choice(sent[-500:]))
        else:
            back = timedelta(hours=chance.random()) if kind < 0.12 else timedelta()
            event = {
                "event_id": f"e{number}",
                "event_type": chance.choice(["view", "view", "click", "add_to_cart", "purchase"]),
                "user_id": f"u{chance.randrange(400)}",
                "session_id": f"s{chance.randrange(2_000)}",
                "product_id": f"p{chance.randrange(200)}",
                "occurred_at": (now - back).isoformat(),
            }
            sent.append(json.dumps(event).encode())
            lines.append(sent[-1])
    return lines


def disturbed(folder: Path, lines: Sequence[bytes], kills: int, seed: int) -> Outcome:
    """Consume `lines` under kills, then in peace, and compare."""
    chance, started = random.Random(seed), time.monotonic()
    with _lake(folder / "disturbed") as shaken, _lake(folder / "peaceful") as peaceful:
        producer = threading.Thread(target=_produce, args=(shaken, lines))
        producer.start()
        at_redis = {kills // 3, 2 * kills // 3}
        first = _consumer(shaken)
        for kill in range(kills):
            _wait_for_work(shaken)
            time.sleep(chance.uniform(0, len(lines) / kills / EVENTS_A_SECOND))
            _kill(first)
            if kill in at_redis:
                _kill_redis(shaken)
            first = _consumer(shaken)
        second = _consumer(shaken)
        _wait_for_work(shaken)
        _kill(first)  # not started again: the second takes over its entries
        producer.join()
        _wait_until_drained(shaken)
        os.kill(second.pid or 0, signal.SIGTERM)
        second.join(60)
        seconds = time.monotonic() - started
        reconciliation = check(connect(shaken), shaken)

        _send(connect(peaceful), stream_key(peaceful.feast_project), lines)
        stream(peaceful, "redis", say=print, options=ConsumerOptions(idle_exit=0))
        ingest(shaken)
        with duckdb.connect(str(shaken.warehouse), read_only=True) as warehouse:
            row = warehouse.execute(
                "select (select count(*) from raw.events), "
                "(select count(distinct event_id) from raw.events), "
                "(select sum(redelivered) from raw._loads)"
            ).fetchone()
        assert row is not None, "it counts"
        differing = _differing(connect(shaken), connect(peaceful), shaken, peaceful)
        rows, distinct, twice = map(int, row)
        return Outcome(
            reconciliation, kills + 1, len(at_redis), seconds, rows, distinct, twice, differing
        )


@contextmanager
def _lake(folder: Path) -> Iterator[Settings]:
    folder.mkdir(parents=True)
    (folder / "shop.yml").write_text(SHOP)
    (folder / "ratings.csv").write_text("user,item,stars,time\nu1,p1,5,2026-03-01T00:00:00Z\n")
    settings = load_settings(shop=str(folder / "shop.yml"), lake=folder / "lake")
    try:
        yield settings
    finally:
        processes.stop_all(settings)


def _consumer(settings: Settings) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["streaming.stream"])
    process = context.Process(target=_consume, args=(settings,), daemon=True)
    process.start()
    return process


def _consume(settings: Settings) -> None:
    options = ConsumerOptions(batch_size=BATCH, linger=0)
    stream(settings, "redis", say=_quiet, options=options, claim_seconds=CLAIM_SECONDS)


def _quiet(line: str) -> None:
    """What a consumer waits for is known here."""


def _wait_for_work(settings: Settings) -> None:
    """Until a consumer has acknowledged something from now on, or for five seconds."""
    before, end = None, time.monotonic() + 5.0
    while time.monotonic() < end:
        with suppress(RedisError, RedisUnavailable):
            backlog = status(connect(settings), settings).backlog
            if backlog is not None and before is not None and backlog != before:
                return
            before = backlog
        time.sleep(0.01)


def _kill(process: BaseProcess) -> None:
    process.kill()
    process.join()


def _kill_redis(settings: Settings) -> None:
    server = processes.running(settings, "redis")
    if server is not None:
        os.kill(server.pid, signal.SIGKILL)


def _produce(settings: Settings, lines: Sequence[bytes]) -> None:
    """Send all, each batch until Redis has said that it has it: a producer that waits."""
    key, rest = stream_key(settings.feast_project), iter(lines)
    while batch := list(islice(rest, 200)):
        while True:
            try:
                _send(connect(settings), key, batch)
                break
            except (RedisError, RedisUnavailable):
                time.sleep(0.1)


def _send(client: redis.Redis, key: str, lines: Sequence[bytes]) -> None:
    pipeline = client.pipeline(transaction=False)
    for line in lines:
        pipeline.xadd(key, {FIELD: line})
    pipeline.execute()


def _wait_until_drained(settings: Settings) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        backlog = status(connect(settings), settings).backlog
        if backlog is not None and not backlog.pending and not backlog.lag:
            return
        time.sleep(0.5)
    raise TimeoutError("the stream was not drained in five minutes")


def _differing(one: redis.Redis, other: redis.Redis, of_one: Settings, of_other: Settings) -> int:
    """Keys of the real-time state, counts of the speed layer apart, that differ."""
    states = [_state(one, of_one), _state(other, of_other)]
    names = states[0].keys() | states[1].keys()
    return sum(not _equal(states[0].get(name, {}), states[1].get(name, {})) for name in names)


def _state(client: redis.Redis, settings: Settings) -> dict[str, dict[bytes, bytes | float]]:
    prefix = f"recomart:{settings.feast_project}:rt:"
    found: dict[str, dict[bytes, bytes | float]] = {}
    for key in client.scan_iter(f"{prefix}*", count=1_000):
        name = key.decode().removeprefix(prefix)
        if name.startswith("trending"):
            found[name] = dict(client.zrange(key, 0, -1, withscores=True))  # type: ignore[arg-type]  # redis-py types the async client's answer too
        elif name != "stats":
            found[name] = client.hgetall(key)  # type: ignore[assignment]  # as above
    return found


def _equal(one: dict[bytes, bytes | float], other: dict[bytes, bytes | float]) -> bool:
    if one.keys() != other.keys():
        return False
    for name, value in one.items():
        counterpart = other[name]
        if isinstance(value, float) and isinstance(counterpart, float):
            if abs(value - counterpart) > TOLERANCE * max(abs(value), abs(counterpart)):
                return False
        elif value != counterpart:
            return False
    return True


def main() -> None:
    """Run it at full size, or at the size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = disturbed(
            Path(folder), lines_of(given.events, given.seed), given.kills, given.seed
        )
    print("\n".join(outcome.lines()))


if __name__ == "__main__":
    main()
