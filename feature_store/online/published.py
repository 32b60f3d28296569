"""What is published to Redis, and the rows of its views: the queries behind the online lookup.

They read Feast's layout directly (`feature_store/online/layout.py`). A query is a generator that
yields commands and gets their replies, so that it runs over a connection of redis-py or of asyncio.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from feature_store.derivation import VIEW
from feature_store.online.heartbeat import Heartbeat, Publication, heartbeat_key
from feature_store.online.resp import RedisQuery, command
from feature_store.online.rows import Key, OnlineRows, as_keys, decode_rows
from feature_store.realtime.features import FEATURES, JOIN_KEYS, PRODUCTS, USERS
from feature_store.realtime.lookup import realtime_rows
from feature_store.realtime.reading import both
from feature_store.records import DamagedRecord
from recomart.errors import NothingPublished
from recomart.settings import Settings


@dataclass(frozen=True)
class Published:
    """What is published, and each view's last publish."""

    publication: Publication
    heartbeats: dict[str, Heartbeat]

    def of_service(self, service: str) -> dict[str, Heartbeat]:
        """The views of a feature service.

        Raises:
            NothingPublished: the service is not published.
        """
        services = self.publication.services
        if service not in services:
            raise NothingPublished(
                f"no feature service {service} is published to this Redis",
                found=", ".join(services),
                help="name it under config.meta.feast.services of a feature model, build and publish",
            )
        return {view: self.heartbeats[view] for view in services[service]}


Plan: TypeAlias = Callable[[Published], Mapping[str, Sequence[Key]]]
"""Which keys of which views to read, given what is published."""

LookupQuery: TypeAlias = RedisQuery[tuple[Publication, dict[str, OnlineRows]]]
"""What is published, and the rows that were asked for, by view."""


class PublishedViews:
    """Queries for the published views of one shop, which remember what was published last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: Published | None = None

    def query(self, plan: Plan, as_of: datetime | None = None) -> LookupQuery:
        """The query for rows of several views, in one round trip.

        The publication and the heartbeats come along with the rows: when a publish has changed
        the views since they were last read, the rows are read again by the new layout.
        """
        expected = self._last or (yield from self._read_published())
        while True:
            publication, beats = expected.publication, expected.heartbeats
            asked = plan(expected)
            stored = {view: keys for view, keys in asked.items() if view not in FEATURES}
            rows_query = self._rows(expected, stored)
            if len(stored) < len(asked):
                users, products = (
                    [key for (key,) in as_keys(asked.get(view, ()), (JOIN_KEYS[view],), view)]
                    for view in (USERS, PRODUCTS)
                )
                project = self._settings.feast_project
                recent = realtime_rows(project, users, products, as_of)
                (fresh, now, rows), realtime = yield from both(rows_query, recent)
                rows |= {view: realtime[view] for view in FEATURES if view in asked}
            else:
                fresh, now, rows = yield from rows_query
            same = all(now[view].layout == beats[view].layout for view in stored)
            if same and (fresh.views, fresh.services) == (publication.views, publication.services):
                self._last = Published(fresh, beats | now)
                return fresh, rows
            expected = yield from self._read_published()

    def _rows(
        self, expected: Published, asked: Mapping[str, Sequence[Key]]
    ) -> RedisQuery[tuple[Publication, dict[str, Heartbeat], dict[str, OnlineRows]]]:
        """The rows by the layout of `expected`, and what is published by now."""
        publication, beats = expected.publication, expected.heartbeats
        unknown = [view for view in asked if view not in beats]
        if unknown:
            raise NothingPublished(
                f"no view {unknown[0]} is published to this Redis",
                found=", ".join(beats),
                help="run 'recomart publish'",
            )
        keys = {view: as_keys(asked[view], beats[view].layout.join_keys, view) for view in asked}
        commands = [_get(publication.key), *(_get(beats[view].key) for view in asked)]
        for view in asked:
            commands += _lookups(beats[view], keys[view])
        replies = yield commands
        now = {
            view: self._heartbeat(view, text)
            for view, text in zip(asked, replies[1:], strict=False)
        }
        rows, start = {}, 1 + len(asked)
        for view in asked:
            end = start + len(keys[view])
            if now[view].layout == beats[view].layout:
                rows[view] = decode_rows(now[view], keys[view], replies[start:end])
            start = end
        return self._publication(replies[0]), now, rows

    def _read_published(self) -> Generator[list[bytes], list[Any], Published]:
        """What is published, from Redis."""
        project = self._settings.feast_project
        (text,) = yield [_get(heartbeat_key(project, VIEW))]
        publication = self._publication(text)
        names = publication.views
        texts = yield [_get(heartbeat_key(project, view)) for view in names]
        beats = {view: self._heartbeat(view, text) for view, text in zip(names, texts, strict=True)}
        return Published(publication, beats)

    def _publication(self, text: bytes | None) -> Publication:
        project = self._settings.feast_project
        with _readable(heartbeat_key(project, VIEW)):
            return Publication.from_json(project, self._required(text))

    def _heartbeat(self, view: str, text: bytes | None) -> Heartbeat:
        project = self._settings.feast_project
        with _readable(heartbeat_key(project, view)):
            return Heartbeat.from_json(project, view, self._required(text))

    def _required(self, text: bytes | None) -> bytes:
        if text is None:
            raise self._nothing_published()
        return text

    def _nothing_published(self) -> NothingPublished:
        shop = self._settings.shop_name
        return NothingPublished(
            f"nothing is published to Redis for shop '{shop}'", help="run 'recomart publish'"
        )

    def require_server(self) -> None:
        """Raise NothingPublished rather than start a server only to find that nothing is published."""
        if not self._settings.redis_url and not self._settings.current_features.exists():
            raise self._nothing_published()


@contextmanager
def _readable(key: str) -> Iterator[None]:
    try:
        yield
    except DamagedRecord as exc:
        raise NothingPublished(
            "Redis's record of what is published cannot be read",
            where=f"Redis key {key}",
            found=str(exc),
            help="run 'recomart publish': it writes the record again",
        ) from exc


def _lookups(heartbeat: Heartbeat, keys: list[tuple[str, ...]]) -> list[bytes]:
    layout = heartbeat.layout
    fields = (layout.time_field, *layout.fields)
    return [command(b"HMGET", key, *fields) for key in layout.keys(keys)]


def _get(key: str) -> bytes:
    return command(b"GET", key.encode())
