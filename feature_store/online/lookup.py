"""What Redis serves now: features of users and products, each with a status and an age.

Reads Feast's layout directly (`feature_store/online/layout.py`), one user and many products in one
round trip, without importing Feast. A test compares it with `get_online_features`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import redis
from redis.exceptions import RedisError

from feature_store.derivation import DERIVED_FEATURES, SERVICE, VIEW, derive_columns
from feature_store.online.heartbeat import Heartbeat, Publication, heartbeat_key
from feature_store.online.redis import connect, no_answer
from feature_store.online.resp import RedisQuery, command, run_query
from feature_store.online.rows import FeatureValue, Key, OnlineRows, Status, as_keys, decode_rows
from feature_store.realtime.features import FEATURES, JOIN_KEYS, PRODUCTS, USERS
from feature_store.realtime.lookup import bought_products, realtime_rows
from feature_store.realtime.reading import CATEGORY, both
from feature_store.realtime.trending import Trending, trending_products
from feature_store.records import DamagedRecord
from feature_store.times import datetimes
from recomart.errors import NothingPublished
from recomart.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_Published: TypeAlias = tuple[Publication, dict[str, Heartbeat]]
"""What is published, and each view's last publish."""

_Plan: TypeAlias = Callable[[_Published], Mapping[str, Sequence[Key]]]
"""Which keys of which views to read, given what is published."""

LookupQuery: TypeAlias = RedisQuery[tuple[Publication, dict[str, OnlineRows]]]
"""What is published, and the rows that were asked for, by view."""

__all__ = ["FeatureValue", "OnlineFeatures", "OnlineRows", "Status"]


class OnlineFeatures:
    """Lookups in one shop's Redis, over a connection that is kept.

    Args:
        deadline: seconds after which a lookup gives up, also when Redis hangs.
    """

    def __init__(self, settings: Settings, deadline: float = 0.5) -> None:
        self._settings = settings
        self._deadline = deadline
        self._client: redis.Redis | None = None
        self._last: _Published | None = None

    def read(self, view: str, keys: Sequence[Key], as_of: datetime | None = None) -> OnlineRows:
        """A view's rows for many keys, in one round trip (three for the first lookup).

        Args:
            keys: texts or whole numbers, tuples in the order of the view's join keys, or mappings
                by their names.
            as_of: as in `read_views`.

        Raises:
            NothingPublished: nothing is published to this Redis, or no such view.
            RedisUnavailable: no answer within the deadline.
            InvalidKey, ValueError: as in `read_views`.
        """
        return self.read_views({view: keys}, as_of)[view]

    def read_views(
        self, asked: Mapping[str, Sequence[Key]], as_of: datetime | None = None
    ) -> dict[str, OnlineRows]:
        """Rows of several views, each for its own keys, in one round trip.

        One user and many products, including what happened since the last publish:
        `{"ftr_users": [user], "ftr_products": products, "rt_users": [user], "rt_products": products}`.
        `rt_users` takes a second round trip when there is a product to look up the price of.

        Args:
            as_of: the instant for real-time features; by default now. What is published is as it
                stood at the last publish.

        Raises:
            NothingPublished, RedisUnavailable: as in `read`.
            InvalidKey: a key is missing, empty, or has no exact text.
            ValueError: real-time features are asked at an instant whose state has expired.
        """
        return self._read(lambda _: asked, as_of)[1]

    def trending(self, limit: int = 10, as_of: datetime | None = None) -> list[Trending]:
        """The products with the highest trending scores at `as_of`, by default now.

        Raises:
            NothingPublished, RedisUnavailable: as in `read`.
        """
        return self._answer(trending_products(self._settings.feast_project, limit, as_of))

    def bought(self, user_id: str) -> set[str]:
        """Products that a user bought in the last 24 hours, the last second's too.

        Raises:
            NothingPublished, RedisUnavailable: as in `read`.
        """
        return self._answer(bought_products(self._settings.feast_project, user_id))

    def user(self, user_id: str) -> list[FeatureValue]:
        """Everything that is served by user alone: what is published, what derives from it at the
        last `as_of`, and what the speed layer has counted by now."""
        return self._values(USERS, user_id)

    def product(self, product_id: str) -> list[FeatureValue]:
        """Everything that is served by product alone; as `user`."""
        return self._values(PRODUCTS, product_id)

    def publication(self) -> Publication:
        """What was published last, by which the lookups go.

        Raises:
            NothingPublished, RedisUnavailable: as in `read`.
        """
        publication, _ = self._read(lambda _: {})
        return publication

    def serving_frame(
        self,
        user_id: str,
        product_ids: Sequence[str],
        categories: Sequence[str],
        as_of: datetime | None = None,
        service: str = SERVICE,
    ) -> pd.DataFrame:
        """Features of one user and many products by the names of a feature service.

        Args:
            product_ids: (n) products.
            categories: (n) the category of each of them.
            as_of: the instant for what derives from time; by default that of the last publish.
            service: whose views are read.

        Returns:
            (n) rows: user_id, product_id, category, the stored features view by view, the derived
            ones. Numbers are float64, times datetime64; NaN, NaT or None where missing.

        Raises:
            NothingPublished, RedisUnavailable: as in `read`; there may be no such service.
        """
        import pandas as pd

        count = len(product_ids)
        distinct = {category: row for row, category in enumerate(dict.fromkeys(categories))}
        wanted: dict[frozenset[str], tuple[list[Key], list[int]]] = {
            frozenset({"user_id"}): ([user_id], [0] * count),
            frozenset({"product_id"}): (list(product_ids), list(range(count))),
            frozenset({"user_id", "category"}): (
                [{"user_id": user_id, "category": category} for category in distinct],
                [distinct[category] for category in categories],
            ),
        }
        publication, found = self._read(
            lambda published: {
                view: wanted[frozenset(beat.layout.join_keys)][0]
                for view, beat in _of_service(published, service).items()
                if frozenset(beat.layout.join_keys) in wanted
            }
        )
        columns: dict[str, Any] = {
            "user_id": [user_id] * count,
            "product_id": list(product_ids),
            "category": list(categories),
        }
        numbers: dict[str, np.ndarray] = {}
        for rows in found.values():
            layout = rows.heartbeat.layout
            places = wanted[frozenset(layout.join_keys)][1]
            for name, kind in layout.features:
                if name == CATEGORY:
                    continue  # in no service: the category of a row is a key
                if kind == "String":
                    columns[name] = [rows.columns[name][place] for place in places]
                    continue
                numbers[name] = columns[name] = rows.numbers(name)[places]
                if kind == "UnixTimestamp":
                    columns[name] = datetimes(numbers[name])
        clock = np.full(count, _seconds(as_of or publication.as_of))
        return pd.DataFrame(columns | derive_columns(numbers, clock, publication.prior))

    def _values(self, realtime: str, key: str) -> list[FeatureValue]:
        join_keys = (JOIN_KEYS[realtime],)
        publication, found = self._read(
            lambda published: {
                **{
                    v: [key]
                    for v, beat in published[1].items()
                    if beat.layout.join_keys == join_keys
                },
                realtime: [key],
            }
        )
        recent = found.pop(realtime).values()
        stored = [value for rows in found.values() for value in rows.values()]
        derived_from = publication.services.get(SERVICE, ())
        numbers = {
            name: rows.numbers(name)
            for view, rows in found.items()
            if view in derived_from
            for name, kind in rows.heartbeat.layout.features
            if kind != "String"
        }
        clock = np.array([_seconds(publication.as_of)])
        derived = derive_columns(numbers, clock, publication.prior)
        by_name = {value.feature: value for value in stored if value.view in derived_from}
        return [
            *stored,
            *(_derived_value(name, float(column[0]), by_name) for name, column in derived.items()),
            *recent,
        ]

    def _read(
        self, plan: _Plan, as_of: datetime | None = None
    ) -> tuple[Publication, dict[str, OnlineRows]]:
        return self._answer(self.query(plan, as_of))

    def _answer(self, query: RedisQuery[T]) -> T:
        until = time.monotonic() + self._deadline
        try:
            if self._client is None:
                self.require_server()
                self._client = connect(self._settings, deadline=self._deadline)
            return run_query(self._client, query, until=until)
        except RedisError as exc:
            raise no_answer(self._settings, exc, self._deadline) from exc

    def query(self, plan: _Plan, as_of: datetime | None = None) -> LookupQuery:
        """The query for rows of several views, in one round trip.

        The publication and the heartbeats come along with the rows: when a publish has changed
        the views since they were last read, the rows are read again by the new layout.
        """
        expected = self._last or (yield from self._read_published())
        while True:
            publication, beats = expected
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
                self._last = fresh, beats | now
                return fresh, rows
            expected = yield from self._read_published()

    def _rows(
        self, expected: _Published, asked: Mapping[str, Sequence[Key]]
    ) -> RedisQuery[tuple[Publication, dict[str, Heartbeat], dict[str, OnlineRows]]]:
        """The rows by the layout of `expected`, and what is published by now."""
        publication, beats = expected
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

    def _read_published(self) -> Generator[list[bytes], list[Any], _Published]:
        """What is published, from Redis."""
        project = self._settings.feast_project
        (text,) = yield [_get(heartbeat_key(project, VIEW))]
        publication = self._publication(text)
        names = publication.views
        texts = yield [_get(heartbeat_key(project, view)) for view in names]
        beats = {view: self._heartbeat(view, text) for view, text in zip(names, texts, strict=True)}
        return publication, beats

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


def _of_service(published: _Published, service: str) -> dict[str, Heartbeat]:
    publication, beats = published
    if service not in publication.services:
        raise NothingPublished(
            f"no feature service {service} is published to this Redis",
            found=", ".join(publication.services),
            help="name it under config.meta.feast.services of a feature model, build and publish",
        )
    return {view: beats[view] for view in publication.services[service]}


def _lookups(heartbeat: Heartbeat, keys: list[tuple[str, ...]]) -> list[bytes]:
    layout = heartbeat.layout
    fields = (layout.time_field, *layout.fields)
    return [command(b"HMGET", key, *fields) for key in layout.keys(keys)]


def _get(key: str) -> bytes:
    return command(b"GET", key.encode())


def _derived_value(name: str, number: float, stored: Mapping[str, FeatureValue]) -> FeatureValue:
    """A derived feature has the status and age of what it is made from."""
    origin = stored[DERIVED_FEATURES[name][0]]
    if origin.status is Status.NOT_FOUND:
        return FeatureValue(VIEW, name, None, Status.NOT_FOUND, None)
    if np.isnan(number):
        return FeatureValue(VIEW, name, None, Status.NULL, origin.age)
    return FeatureValue(VIEW, name, number, origin.status, origin.age)


def _seconds(instant: datetime) -> float:
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return float(aware.timestamp() // 1)
