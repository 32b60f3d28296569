"""Packed commands against a real server."""

from __future__ import annotations

import time

import pytest
import redis
from redis.exceptions import RedisError, ResponseError

from feature_store.online.redis import connect
from feature_store.online.resp import command, exchange, exchange_pieces
from recomart.settings import Settings


@pytest.fixture
def client(settings: Settings) -> redis.Redis:
    return connect(settings, deadline=2.0)


def test_replies_that_come_early_with_others_are_not_waited_for(client: redis.Redis) -> None:
    # pieces of one command: again and again two answers come in one read
    pieces = [(command(b"ECHO", b"%d" % n), 1) for n in range(20_000)]

    replies = exchange_pieces(client, pieces)

    assert replies == [b"%d" % n for n in range(20_000)]


def test_a_refused_command_raises_and_leaves_no_reply_behind(client: redis.Redis) -> None:
    with pytest.raises(ResponseError, match="unknown command"):
        exchange(client, [command(b"NOSUCH"), command(b"ECHO", b"left")])

    assert exchange(client, [command(b"ECHO", b"right")]) == [b"right"]


def test_the_deadline_holds_for_all_replies_together(client: redis.Redis) -> None:
    slow = [command(b"BLPOP", b"nothing", b"0.2")] * 3
    start = time.monotonic()
    with pytest.raises(RedisError):
        exchange(client, slow, until=start + 0.5)

    assert 0.4 < time.monotonic() - start < 0.6
