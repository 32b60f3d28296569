"""Real-time views in Feast's online store: read from native state, and never written through Feast.

The state has one writer, the speed layer. A write by Feast is refused; a read gives the state as it
is at that moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from feast import FeatureView, RepoConfig
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto

from feature_store.online.bulk_store import BulkRedisOnlineStore
from feature_store.online.resp import RedisQuery, run_query, run_query_async
from feature_store.realtime.clock import micros_of
from feature_store.realtime.documents import product_documents, user_document
from feature_store.realtime.features import FEATURES, STATE, USERS
from feature_store.realtime.layout import StateEvent
from feature_store.realtime.reading import States, live_days, read_states
from recomart.errors import OneWriter

ANSWER_SECONDS = 30.0

Row = tuple[datetime | None, dict[str, ValueProto] | None]
EntityRow = tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]


class RealtimeViews(BulkRedisOnlineStore):
    """The bulk store, in which `rt_users` and `rt_products` are what the speed layer keeps."""

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[Row]:
        if table.name not in FEATURES:
            return super().online_read(config, table, entity_keys, requested_features)
        client = self._get_client(config.online_store)
        query = _documents(config.project, table.name, entity_keys)
        return run_query(client, query, until=time.monotonic() + ANSWER_SECONDS)

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[Row]:
        if table.name not in FEATURES:
            return await super().online_read_async(config, table, entity_keys, requested_features)
        client = await self._get_client_async(config.online_store)
        query = _documents(config.project, table.name, entity_keys)
        return await run_query_async(client, query, until=time.monotonic() + ANSWER_SECONDS)

    def _read_features_per_fv(
        self, config: RepoConfig, grouped_refs: list[Any], *others: Any, **named: Any
    ) -> None:
        """Feast's store reads all views in one pipeline; the real-time views are read one by one."""
        stored, realtime = _apart(grouped_refs)
        super()._read_features_per_fv(config, stored, *others, **named)
        OnlineStore._read_features_per_fv(self, config, realtime, *others, **named)

    async def _read_features_per_fv_async(
        self, config: RepoConfig, grouped_refs: list[Any], *others: Any, **named: Any
    ) -> None:
        stored, realtime = _apart(grouped_refs)
        await super()._read_features_per_fv_async(config, stored, *others, **named)
        await OnlineStore._read_features_per_fv_async(self, config, realtime, *others, **named)

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[EntityRow],
        progress: Callable[[int], Any] | None,
    ) -> None:
        _refuse_to_write(table, data)
        super().online_write_batch(config, table, data, progress)

    async def online_write_batch_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[EntityRow],
        progress: Callable[[int], Any] | None,
    ) -> None:
        _refuse_to_write(table, data)
        await super().online_write_batch_async(config, table, data, progress)

    def takes_tables(self, config: RepoConfig, view: FeatureView) -> bool:
        """As in the bulk store; real-time views take nothing."""
        return view.name not in FEATURES and super().takes_tables(config, view)


def _apart(grouped_refs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Feast's pairs of a view and its features: those that are stored, and the real-time ones."""
    return (
        [ref for ref in grouped_refs if ref[0].name not in FEATURES],
        [ref for ref in grouped_refs if ref[0].name in FEATURES],
    )


def _refuse_to_write(view: FeatureView, rows: Sequence[EntityRow]) -> None:
    if view.name in FEATURES and rows:
        raise OneWriter(
            f"{view.name} is written by the speed layer alone, from events",
            found=f"{len(rows)} rows to push or materialize",
            help="send events to 'recomart stream'; features are made of them at the lookup",
        )


def _documents(
    project: str, view: str, entity_keys: Sequence[EntityKeyProto]
) -> RedisQuery[list[Row]]:
    """The state of entities as rows of the one stored feature."""
    now = datetime.now(UTC)
    at = micros_of(now)
    keys = [key.entity_values[0].string_val for key in entity_keys]
    users, products = (keys, []) if view == USERS else ([], keys)
    states: States = yield from read_states(project, users, products, live_days(at), _all_products)
    texts = (
        [user_document(state, at) if state.events else None for state in states.users]
        if view == USERS
        else product_documents(states.products, at)
    )
    return [
        (None, None) if text is None else (now, {STATE[view]: ValueProto(string_val=text)})
        for text in texts
    ]


def _all_products(events: Sequence[StateEvent]) -> set[str]:
    """All of them: which ones the features need depends on `as_of`, which is not known yet."""
    return {event.product_id for event in events if event.product_id is not None}
