"""A Redis online store for Feast that takes whole tables: `feast materialize` without a message
object per value.

In feature_store.yaml, also without the rest of RecoMart:

    online_store:
      type: feature_store.online.bulk_store.BulkRedisOnlineStore
      connection_string: localhost:6379
    batch_engine: feature_store.online.materialization.ColumnarComputeEngine

The engine hands over Arrow tables. Without it Feast hands over rows of protobuf messages, which the
store writes as Feast's own does.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import redis
from feast import FeatureView, RepoConfig
from feast.infra.online_stores.redis import (
    RedisOnlineStore,
    RedisOnlineStoreConfig,
    RedisType,
    _versioned_fv_name,
)
from feast.type_map import python_values_to_proto_values
from feast.types import FeastType
from pydantic import StrictStr

from feature_store.online.columns import (
    NATIVE,
    join_cells,
    key_cells,
    micros_of,
    time_cells,
    value_cells,
)
from feature_store.online.layout import ViewLayout, decode_nanos
from feature_store.online.resp import bulk, exchange, exchange_pieces
from feature_store.online.writer import row_pieces

KEY_VERSION = 3


class BulkRedisOnlineStoreConfig(RedisOnlineStoreConfig):
    """Feast's settings for Redis."""

    type: StrictStr = "feature_store.online.bulk_store.BulkRedisOnlineStore"  # type: ignore[assignment]  # not "redis"


class BulkRedisOnlineStore(RedisOnlineStore):
    """Feast's Redis store, which takes whole tables too."""

    def takes_tables(self, config: RepoConfig, view: FeatureView) -> bool:
        """Whether a view's tables can be written as they are.

        Not to a cluster, where commands go to several servers, nor through sentinels; not with
        keys of other types than strings and 64-bit integers. There Feast's own way is right.
        """
        return (
            config.online_store.redis_type == RedisType.redis
            and config.entity_key_serialization_version == KEY_VERSION
            and bool(view.entity_columns)
            and all(str(e.dtype) in ("String", "Int64") for e in view.entity_columns)
            and not any(getattr(field, "vector_index", False) for field in view.features)
        )

    def online_write_table(self, config: RepoConfig, view: FeatureView, rows: pa.Table) -> int:
        """Write a table by Feast's rule: over older rows, not over newer or equally new ones.

        Args:
            rows: join keys without nulls, features, event timestamps; one row an entity or more.

        Returns:
            How many rows were written.
        """
        assert view.batch_source is not None
        layout = ViewLayout(
            project=config.project,
            view=_versioned_fv_name(view, config),
            join_keys=tuple(column.name for column in view.entity_columns),
            features=tuple((field.name, str(field.dtype)) for field in view.features),
        )
        client = self._get_client(config.online_store)
        event_timestamp = view.batch_source.timestamp_field
        keys = key_cells(layout, {name: rows[name] for name in layout.join_keys})
        if not config.online_store.skip_dedup:
            newer = self._newer(client, layout, keys, rows[event_timestamp])
            if len(newer) < len(keys):
                rows, keys = rows.take(newer), keys.take(pa.array(newer))
        cells = {field.name: _cells(rows[field.name], field.dtype) for field in view.features}
        times = time_cells(rows[event_timestamp])
        ttl = config.online_store.key_ttl_seconds
        exchange_pieces(client, row_pieces(layout, keys, times, cells, ttl))
        return len(keys)

    def _newer(
        self, client: redis.Redis, layout: ViewLayout, keys: pa.Array, times: pa.ChunkedArray
    ) -> np.ndarray:
        """The places of the rows to write: each entity's newest, when it is newer than stored."""
        nanos = micros_of(times) * 1_000
        places = newest(keys, nanos)
        keys, nanos = keys.take(pa.array(places)), nanos[places]
        field = bulk(layout.time_field)
        asked = join_cells([_same(b"*3\r\n$4\r\nHGET\r\n"), keys, _same(field)])
        stored = np.array(
            [decode_nanos(reply) if reply else 0 for reply in exchange(client, asked.to_pylist())],
            dtype=np.int64,
        )
        # Feast takes a stored time of 1970 or before for none
        newer: np.ndarray = places[(stored <= 0) | (nanos > stored)]
        return newer


def newest(keys: pa.Array, times: np.ndarray) -> np.ndarray:
    """Places of each key's newest row, the first of several, in the order of the rows."""
    codes = keys.dictionary_encode().indices.to_numpy()
    order = np.lexsort((np.arange(len(times)), -times, codes))
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.diff(codes[order]) != 0
    return np.sort(order[first])


def _cells(values: pa.ChunkedArray, kind: FeastType) -> pa.Array:
    """A column's serialized values: by ourselves, or by Feast for the types that are rare."""
    name = str(kind)
    if name in NATIVE and NATIVE[name](values.type):
        return value_cells(values, name)
    messages = python_values_to_proto_values(
        values.to_numpy(zero_copy_only=False), kind.to_value_type()
    )
    return pa.array([bulk(message.SerializeToString()) for message in messages], pa.binary())


def _same(value: bytes) -> pa.Scalar:
    return pa.scalar(value, pa.binary())
