"""What Redis serves now: features of users and products, each with a status and an age.

One user and many products take one round trip (`published.py`), and Feast is not imported. A test
compares the lookup with `get_online_features`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import redis
from redis.exceptions import RedisError

from feature_store.derivation import DERIVED_FEATURES, SERVICE, VIEW, derive_columns
from feature_store.online.heartbeat import Publication
from feature_store.online.published import Plan, PublishedViews
from feature_store.online.redis import connect, no_answer
from feature_store.online.resp import RedisQuery, run_query
from feature_store.online.rows import FeatureValue, Key, OnlineRows, Status
from feature_store.realtime.features import JOIN_KEYS, PRODUCTS, USERS
from feature_store.realtime.lookup import bought_products
from feature_store.realtime.reading import CATEGORY
from feature_store.realtime.trending import Trending, trending_products
from feature_store.times import datetimes
from recomart.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

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
        self._views = PublishedViews(settings)

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
                for view, beat in published.of_service(service).items()
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
                    for v, beat in published.heartbeats.items()
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
        self, plan: Plan, as_of: datetime | None = None
    ) -> tuple[Publication, dict[str, OnlineRows]]:
        return self._answer(self._views.query(plan, as_of))

    def _answer(self, query: RedisQuery[T]) -> T:
        until = time.monotonic() + self._deadline
        try:
            if self._client is None:
                self._views.require_server()
                self._client = connect(self._settings, deadline=self._deadline)
            return run_query(self._client, query, until=until)
        except RedisError as exc:
            raise no_answer(self._settings, exc, self._deadline) from exc


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
