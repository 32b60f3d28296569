"""The lookup on asyncio against the one that waits, and against a Redis in trouble."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import numpy as np
import pytest

from feature_store.online.lookup import OnlineFeatures, OnlineRows
from feature_store.online.lookup_async import AsyncOnlineFeatures
from feature_store.online.redis import connect
from feature_store.publish.publisher import publish
from recomart import processes
from recomart.errors import NothingPublished, RedisUnavailable
from recomart.settings import Settings

ASKED = {"ftr_users": ["u1", "nobody"], "ftr_products": ["p0", "p5", "gone"]}


def same(left: OnlineRows, right: OnlineRows) -> None:
    assert left.columns == right.columns
    assert [left.statuses(name) for name in left.columns] == [
        right.statuses(name) for name in right.columns
    ]
    np.testing.assert_allclose(left.age, right.age, atol=60)


def test_async_and_waiting_lookups_agree_also_when_many_run_at_once(published: Settings) -> None:
    expected = OnlineFeatures(published).read_views(ASKED)

    async def many() -> list[dict[str, OnlineRows]]:
        lookup = AsyncOnlineFeatures(published, deadline=5)
        try:
            return await asyncio.gather(*(lookup.read_views(ASKED) for _ in range(20)))
        finally:
            await lookup.close()

    for found in asyncio.run(many()):
        for view in ASKED:
            same(found[view], expected[view])


def test_connections_are_kept_from_call_to_call(published: Settings) -> None:
    client = connect(published)
    lookup = OnlineFeatures(published)
    lookup.read_views(ASKED)

    async def calls() -> int:
        waiting = AsyncOnlineFeatures(published, deadline=5)
        await waiting.read_views(ASKED)
        before = client.info("stats")["total_connections_received"]
        for _ in range(5):
            lookup.read_views(ASKED)
            await waiting.read_views(ASKED)
        await waiting.close()
        return client.info("stats")["total_connections_received"] - before

    assert asyncio.run(calls()) == 0


def test_a_frozen_redis_is_an_error_within_the_deadline_and_the_loop_goes_on(
    feature_warehouse,
) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    server = processes.running(settings, "redis")
    assert server

    async def freeze() -> tuple[float, int, list[object]]:
        lookup = AsyncOnlineFeatures(settings, deadline=0.3)
        expected = await lookup.read("ftr_users", ["u1"])
        os.kill(server.pid, signal.SIGSTOP)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        try:
            start = time.monotonic()
            with pytest.raises(RedisUnavailable, match=r"0\.3 s"):
                await lookup.read("ftr_users", ["u1"])
            waited = time.monotonic() - start
        finally:
            ticking.cancel()
            os.kill(server.pid, signal.SIGCONT)
        again = await AsyncOnlineFeatures(settings, deadline=5).read("ftr_users", ["u1"])
        return waited, ticks, [expected.columns, again.columns]

    waited, ticks, (before, after) = asyncio.run(freeze())
    assert waited < 0.45
    assert ticks > 5
    assert before == after


def test_before_the_first_publish_no_server_is_started(settings: Settings) -> None:
    with pytest.raises(NothingPublished):
        asyncio.run(AsyncOnlineFeatures(settings).read("ftr_users", ["u1"]))

    assert not settings.lake.exists()
