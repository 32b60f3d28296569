"""Feast's offline store on DuckDB, with point-in-time joins by ASOF and a memory limit.

Feast's own DuckDB store joins every label with the whole past of its entity, and then keeps the
newest row of each; ASOF finds that row directly (`recomart/asof.py`). Beside the speed, a user
sees that rows keep their order.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast.data_source import DataSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores import offline_utils
from feast.infra.offline_stores.duckdb import (
    DuckDBOfflineStore,
    DuckDBOfflineStoreConfig,
    _write_data_source,
)
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import RepoConfig
from feast.saved_dataset import SavedDatasetStorage
from pydantic import Field, StrictStr

from recomart.asof import ViewJoin, find_versions, join_view, register_labels
from recomart.settings import Settings, load_settings
from recomart.warehouse import apply_limits

Labels: TypeAlias = pd.DataFrame | pa.Table | str | Path


class AsofDuckDBOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """Takes memory limit, threads and spill folder from RecoMart's settings.

    Args:
        snapshot: folder of the published snapshot that is read in place of the current one.
        as_known_then: what is asked for without `filter_by_created_timestamp` is filtered too:
            features as they were known at the label's time.
    """

    type: StrictStr = "recomart.feast.AsofDuckDBOfflineStore"
    settings: Settings = Field(default_factory=load_settings, exclude=True, repr=False)
    snapshot: Path | None = None
    as_known_then: bool = False


class AsofDuckDBOfflineStore(DuckDBOfflineStore):
    """Feast's DuckDB store, but for historical features of Parquet sources."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: Labels,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
    ) -> RetrievalJob:
        """Features of each label as of its own time.

        Args:
            entity_df: pandas, Arrow, or the path of a Parquet file; a row is a label, with the
                views' join keys and one event timestamp (without a zone it is UTC).
            filter_by_created_timestamp: leave out what was not known yet at the label's time.

        Returns:
            A job whose result has the columns of `entity_df`, in its order, and the features.
        """
        labels = read_labels(entity_df)
        schema = dict(labels.schema.empty_table().to_pandas().dtypes)
        event_timestamp = offline_utils.infer_event_timestamp_from_entity_df(schema)
        files = _Files(config.offline_store)
        views = [
            _view_join(view, feature_refs, full_feature_names, files) for view in feature_views
        ]
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        return AsofRetrievalJob(
            config=config,
            labels=labels,
            event_timestamp=event_timestamp,
            views=views,
            as_known_then=filter_by_created_timestamp or config.offline_store.as_known_then,
            on_demand=on_demand,
            full_feature_names=full_feature_names,
            metadata=_metadata(labels, event_timestamp, feature_refs),
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig, *args: Any, **kwargs: Any
    ) -> RetrievalJob:
        """Feast's own, with our limits (for `feast materialize` by hand)."""
        _limit_ibis(config)
        return DuckDBOfflineStore.pull_latest_from_table_or_query(config, *args, **kwargs)

    @staticmethod
    def pull_all_from_table_or_query(config: RepoConfig, *args: Any, **kwargs: Any) -> RetrievalJob:
        """Feast's own, with our limits (for `feast materialize` by hand)."""
        _limit_ibis(config)
        return DuckDBOfflineStore.pull_all_from_table_or_query(config, *args, **kwargs)


class AsofRetrievalJob(RetrievalJob):
    """Joins one view after the other when the result is asked for."""

    def __init__(
        self,
        *,
        config: RepoConfig,
        labels: pa.Table,
        event_timestamp: str,
        views: list[ViewJoin],
        as_known_then: bool,
        on_demand: list[OnDemandFeatureView],
        full_feature_names: bool,
        metadata: RetrievalMetadata,
    ) -> None:
        super().__init__()
        self._config = config
        self._labels = labels
        self._event_timestamp = event_timestamp
        self._views = views
        self._as_known_then = as_known_then
        self._on_demand = on_demand
        self._full_feature_names = full_feature_names
        self._metadata = metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        keys = list(dict.fromkeys(label for view in self._views for _, label in view.keys))
        result = self._labels
        with closing(duckdb.connect()) as connection:
            apply_limits(connection, self._config.offline_store.settings)
            register_labels(connection, self._labels, keys, self._event_timestamp)
            for view in self._views:
                versions = find_versions(connection, view)
                features = join_view(connection, view, versions, as_known_then=self._as_known_then)
                for field, column in zip(features.schema, features.columns, strict=True):
                    result = result.append_column(field, column)
        return result

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    @property
    def full_feature_names(self) -> bool:
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata:
        return self._metadata

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,
    ) -> None:
        """Keep the result, on-demand features left out as in Feast, as a saved dataset."""
        import ibis

        target: DataSource = storage.to_data_source()
        table = ibis.memtable(self._to_arrow_internal(timeout))
        _write_data_source(table, target, str(self._config.repo_path), "overwrite", allow_overwrite)


def read_labels(entity_df: Labels) -> pa.Table:
    """Labels as Arrow, from pandas, Arrow, or the path of a Parquet file.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(entity_df, pa.Table):
        return entity_df
    if isinstance(entity_df, pd.DataFrame):
        return pa.Table.from_pandas(_with_times(entity_df), preserve_index=False)
    if isinstance(entity_df, str | Path) and Path(entity_df).exists():
        return pq.read_table(entity_df)
    raise ValueError(
        "labels are a pandas frame, an Arrow table or the path of a Parquet file; "
        f"found {str(entity_df)[:100]!r}"
    )


def _with_times(labels: pd.DataFrame) -> pd.DataFrame:
    """Event timestamps that came as text become times, as in Feast's own stores."""
    name = offline_utils.DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
    if name in labels and not pd.api.types.is_datetime64_any_dtype(labels[name]):
        return labels.assign(**{name: pd.to_datetime(labels[name], utc=True)})
    return labels


@dataclass(frozen=True)
class _Files:
    """Which file a source's path stands for: those of the current snapshot may be another's."""

    config: AsofDuckDBOfflineStoreConfig

    def of(self, path: str) -> str:
        pinned, current = self.config.snapshot, self.config.settings.current_features
        if pinned is None or Path(path).parent.name != current.name:
            return path
        return str(pinned / Path(path).name)


def _view_join(
    view: FeatureView, feature_refs: list[str], full_names: bool, files: _Files
) -> ViewJoin:
    source = view.batch_source
    if not isinstance(source, FileSource) or not source.path.endswith(".parquet"):
        raise ValueError(f"feature view {view.name}: its source is no Parquet file: {source}")
    mapped = {new: old for old, new in source.field_mapping.items()}
    prefix = f"{view.projection.name_to_use()}:"
    shown = view.projection.name_alias or view.name
    wanted = [ref.removeprefix(prefix) for ref in feature_refs if ref.startswith(prefix)]
    join_keys = view.projection.join_key_map or {e.name: e.name for e in view.entity_columns}
    return ViewJoin(
        path=files.of(source.path),
        keys=tuple((mapped.get(key, key), label) for key, label in join_keys.items()),
        features=tuple(
            (mapped.get(name, name), f"{shown}__{name}" if full_names else name) for name in wanted
        ),
        event_timestamp=source.timestamp_field,
        created=source.created_timestamp_column or None,
        ttl=view.ttl,
    )


def _metadata(labels: pa.Table, event_timestamp: str, feature_refs: list[str]) -> RetrievalMetadata:
    times = labels[event_timestamp].to_pandas()
    return RetrievalMetadata(
        features=feature_refs,
        keys=[name for name in labels.column_names if name != event_timestamp],
        min_event_timestamp=_time(times.min()),
        max_event_timestamp=_time(times.max()),
    )


def _time(value: Any) -> datetime | None:
    """The least or greatest time of a column, which is NaT for no labels."""
    return None if pd.isna(value) else value.to_pydatetime()


def _limit_ibis(config: RepoConfig) -> None:
    """Give Feast's ibis a DuckDB of its own kind: it has no setting for limits."""
    import ibis

    backend = ibis.duckdb.connect()
    apply_limits(backend.con, config.offline_store.settings)
    ibis.set_backend(backend)
