"""The processing does not know where events come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from feature_store.online.redis import connect
from ingestion.ingest import ingest
from recomart import processes
from recomart.settings import Settings, load_settings
from tests.integration.streaming.kafka_brokers import Brokers
from tests.integration.streaming.stream_runs import dead, run, to_redis

SHOP = """
title: A shop whose events come from the stream
ratings:
  files: "ratings.csv"
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""


@pytest.fixture
def make_lake(tmp_path: Path, brokers: Brokers) -> Iterator[Callable[[str], Settings]]:
    made: list[Settings] = []

    def lake(name: str) -> Settings:
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.yml").write_text(SHOP)
        (folder / "ratings.csv").write_text("user,item,stars,time\nu1,p1,5,2026-03-01T00:00:00Z\n")
        shop = str(folder / f"{name}.yml")
        made.append(load_settings(shop=shop, lake=folder / "lake", kafka_servers=brokers.servers))
        return made[-1]

    yield lake
    for settings in made:
        processes.stop_all(settings)


def lines_of(make_line: Callable[..., bytes]) -> list[bytes]:
    """2,000 lines, of which some are rubbish and some are there twice."""
    lines = [make_line(number) for number in range(1900)]
    lines[100:100] = [b"rubbish", b"[]", *lines[50:98]]
    lines += [*lines[700:740], make_line(5, occurred_at="2099-01-01T00:00:00Z"), b"{}"]
    return lines


def tables(settings: Settings) -> tuple[list[Any], list[Any]]:
    """raw.events but for what the transport says, and the real-time state, to compare them."""
    ingest(settings)
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        events = warehouse.execute(
            "select event_id, event_type, user_id, session_id, product_id, occurred_at "
            "from raw.events order by all"
        ).fetchall()
    client = connect(settings)
    state = []
    prefix = f"recomart:{settings.feast_project}:rt:"
    for key in sorted(client.scan_iter(f"{prefix}*")):
        name = key.decode().removeprefix(prefix)
        if name.startswith("trending"):
            scores = client.zrange(key, 0, -1, withscores=True)
            state.append((name, sorted((p, pytest.approx(s, rel=1e-9)) for p, s in scores)))
        elif name != "stats":
            state.append((name, sorted(client.hgetall(key).items())))
    return events, state


@pytest.mark.slow
def test_all_transports_give_the_same_tables(
    make_lake: Callable[[str], Settings], brokers: Brokers, make_line: Callable[..., bytes]
) -> None:
    lines = lines_of(make_line)
    piped, redis, kafka = make_lake("piped"), make_lake("redis"), make_lake("kafka")

    run(piped, stdin=b"\n".join(lines))
    to_redis(redis, lines)
    run(redis, "--transport", "redis", "--idle-exit", "0")
    brokers.send(kafka, lines)
    run(kafka, "--transport", "kafka", "--idle-exit", "1")

    events, state = tables(piped)
    assert len({event[0] for event in events}) == 1900
    assert len(events) == 1901  # e5 came once more, dated in 2099
    assert (events, state) == tables(redis)
    assert (events, state) == tables(kafka)
    reasons = sorted(letter["reason"] for letter in dead(piped))
    assert reasons == sorted(letter["reason"] for letter in dead(redis))
    assert reasons == sorted(letter["reason"] for letter in dead(kafka))
    assert brokers.committed(kafka) == len(lines)
