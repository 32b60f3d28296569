"""The online lookup for a server on asyncio: as `lookup.py`, without blocking the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import redis.asyncio
from redis.exceptions import RedisError

from feature_store.online.published import PublishedViews
from feature_store.online.redis import connect_async, no_answer
from feature_store.online.resp import RedisQuery, run_query_async
from feature_store.online.rows import Key, OnlineRows
from feature_store.realtime.lookup import bought_products
from feature_store.realtime.trending import Trending, trending_products
from recomart.settings import Settings

T = TypeVar("T")


class AsyncOnlineFeatures:
    """Lookups in one shop's Redis, over connections that are kept: one for each call under way.

    Args:
        deadline: seconds after which a lookup gives up, also when Redis hangs.
    """

    def __init__(self, settings: Settings, deadline: float = 0.5) -> None:
        self._settings = settings
        self._deadline = deadline
        self._views = PublishedViews(settings)
        self._client: redis.asyncio.Redis | None = None

    async def read(
        self, view: str, keys: Sequence[Key], as_of: datetime | None = None
    ) -> OnlineRows:
        """A view's rows for many keys; as `OnlineFeatures.read`."""
        return (await self.read_views({view: keys}, as_of))[view]

    async def read_views(
        self, asked: Mapping[str, Sequence[Key]], as_of: datetime | None = None
    ) -> dict[str, OnlineRows]:
        """Rows of several views in one round trip; as `OnlineFeatures.read_views`.

        Raises:
            NothingPublished: nothing is published to this Redis, or no such view.
            RedisUnavailable: no answer within the deadline.
            InvalidKey: a key is missing, empty, or has no exact text.
            ValueError: real-time features are asked at an instant whose state has expired.
        """
        return (await self._answer(self._views.query(lambda _: asked, as_of)))[1]

    async def trending(self, limit: int = 10, as_of: datetime | None = None) -> list[Trending]:
        """The products with the highest trending scores; as `OnlineFeatures.trending`."""
        project = self._settings.feast_project
        return await self._answer(trending_products(project, limit, as_of))

    async def bought(self, user_id: str) -> set[str]:
        """Products that a user bought in the last 24 hours; as `OnlineFeatures.bought`."""
        return await self._answer(bought_products(self._settings.feast_project, user_id))

    async def _answer(self, query: RedisQuery[T]) -> T:
        until = time.monotonic() + self._deadline
        try:
            client = self._client or await self._open()
            return await run_query_async(client, query, until=until)
        except RedisError as exc:
            raise no_answer(self._settings, exc, self._deadline) from exc

    async def close(self) -> None:
        """Close the connections; the event loop that opened them must still run."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _open(self) -> redis.asyncio.Redis:
        self._views.require_server()
        # it may start the server
        client = await asyncio.to_thread(connect_async, self._settings, deadline=self._deadline)
        self._client = self._client or client  # another call may have been first
        return self._client
