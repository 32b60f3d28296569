"""The online lookup for a server on asyncio: as `recomart/online.py`, without holding up the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import redis.asyncio
from redis.exceptions import RedisError

from recomart.online import OnlineFeatures
from recomart.online_rows import Key, OnlineRows
from recomart.redis import redis_url
from recomart.resp import exchange_async
from recomart.settings import Settings


class AsyncOnlineFeatures:
    """Lookups in one shop's Redis, over connections that are kept: one for each call under way.

    Args:
        deadline: seconds after which a lookup gives up, also when Redis hangs.
    """

    def __init__(self, settings: Settings, deadline: float = 0.5) -> None:
        self._settings = settings
        self._deadline = deadline
        self._lookup = OnlineFeatures(settings, deadline)
        self._client: redis.asyncio.Redis | None = None

    async def read(self, view: str, keys: Sequence[Key]) -> OnlineRows:
        """A view's rows for many keys; as `OnlineFeatures.read`."""
        return (await self.read_views({view: keys}))[view]

    async def read_views(self, asked: Mapping[str, Sequence[Key]]) -> dict[str, OnlineRows]:
        """Rows of several views in one round trip; as `OnlineFeatures.read_views`.

        Raises:
            NothingPublished: nothing is published to this Redis, or no such view.
            RedisUnavailable: no answer within the deadline.
        """
        until = time.monotonic() + self._deadline
        try:
            client = self._client or await self._open()
            talk = self._lookup.conversation(lambda _: asked)
            commands = next(talk)
            while True:
                try:
                    commands = talk.send(await exchange_async(client, commands, until=until))
                except StopIteration as told:
                    return told.value[1]
        except RedisError as exc:
            raise self._lookup.unavailable(exc) from exc

    async def close(self) -> None:
        """Close the connections; the event loop that opened them must still run."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _open(self) -> redis.asyncio.Redis:
        self._lookup.require_server()
        url = await asyncio.to_thread(redis_url, self._settings)  # it may start the server
        self._client = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=self._deadline, retry=None
        )
        return self._client
