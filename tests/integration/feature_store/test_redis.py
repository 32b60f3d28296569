import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from feature_store.online import redis
from recomart import processes
from recomart.errors import RedisUnavailable
from recomart.settings import Settings, load_settings


def test_embedded_data_survives_kill_and_restart(settings: Settings) -> None:
    client = redis.connect(settings)
    client.set("k", "v")
    time.sleep(1.2)  # appendfsync everysec
    first = redis.start_embedded(settings)
    os.kill(first.pid, signal.SIGKILL)
    psutil.Process(first.pid).wait(5)
    assert redis.connect(settings).get("k") == b"v"
    second = redis.start_embedded(settings)
    assert second.pid != first.pid
    assert second.port == first.port


def test_two_processes_at_once_start_one_server(settings: Settings) -> None:
    code = "from feature_store.online import redis; from recomart import settings as s; print(redis.start_embedded(s.load_settings()).pid)"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, **settings.environment()},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert len({child.communicate(timeout=30)[0] for child in children}) == 1


def test_lakes_that_start_at_once_get_servers_of_their_own(tmp_path: Path) -> None:
    code = (
        "from feature_store.online import redis; from recomart import settings as s;"
        "print(redis.connect(s.load_settings()).config_get('dir')['dir'])"
    )
    lakes = [tmp_path / f"lake{number}" for number in range(4)]
    try:
        children = [
            subprocess.Popen(
                [sys.executable, "-c", code],
                env={**os.environ, "RECOMART_LAKE": str(lake)},
                stdout=subprocess.PIPE,
                text=True,
            )
            for lake in lakes
        ]
        answers = [child.communicate(timeout=60)[0].strip() for child in children]
        assert answers == [str(lake / "redis") for lake in lakes]
    finally:
        for lake in lakes:
            processes.stop_all(load_settings(shop="demo", lake=lake))


def test_server_listens_on_loopback_alone(settings: Settings) -> None:
    process = redis.start_embedded(settings)
    connections = psutil.Process(process.pid).net_connections("inet")
    listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_down_stops_the_server(settings: Settings) -> None:
    process = redis.start_embedded(settings)
    assert [p.name for p in processes.stop_all(settings)] == ["redis"]
    assert not process.alive()
    assert processes.stop_all(settings) == []


def test_down_from_another_process_is_quick_though_the_parent_has_not_reaped(
    settings: Settings,
) -> None:
    redis.start_embedded(settings)  # a child of this process, which does not wait for it
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", "down"],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        timeout=9,
    )
    assert done.stdout.startswith("stopped redis")


def test_unreachable_url_is_an_error_and_no_fallback(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": "redis://user:secret@127.0.0.1:1/0"})
    with pytest.raises(RedisUnavailable) as caught:
        redis.connect(nowhere)
    assert "127.0.0.1:1" in caught.value.message
    assert "secret" not in caught.value.render()
    assert processes.running(settings, "redis") is None


def test_clients_follow_a_server_that_comes_back_on_another_port(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old port was taken meanwhile by another lake's server, which they must not speak to."""
    other = load_settings(shop="demo", lake=tmp_path / "other")
    # away from the ports at which the servers of other tests begin: one of them could be quicker
    monkeypatch.setattr(redis, "FIRST_PORT", processes.free_port(17_400))
    client = redis.connect(settings, deadline=1.0)
    client.set("k", "v")

    async def follow() -> bytes:
        waiting = redis.connect_async(settings, deadline=1.0)
        assert await waiting.get("k") == b"v"
        move()
        with pytest.raises(RedisConnectionError):
            await waiting.get("k")
        redis.start_embedded(settings)
        found = await waiting.get("k")
        await waiting.aclose()
        return found

    def move() -> None:
        server = redis.start_embedded(settings)
        os.kill(server.pid, signal.SIGKILL)
        psutil.Process(server.pid).wait(5)
        monkeypatch.setattr(redis, "FIRST_PORT", server.port)
        assert redis.start_embedded(other).port == server.port
        with pytest.raises(RedisConnectionError):
            client.get("k")

    try:
        assert asyncio.run(follow()) == b"v"
        assert client.get("k") == b"v"
        assert redis.connect(other).dbsize() == 0
    finally:
        processes.stop_all(other)
