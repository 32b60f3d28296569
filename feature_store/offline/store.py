"""Feast's offline store on DuckDB, with point-in-time joins by ASOF and a memory limit.

Feast's own DuckDB store joins every label with the whole past of its entity, and then keeps the
newest row of each; ASOF finds that row directly (`feature_store/offline/asof.py`).
It is faster, and rows keep their order.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast.data_source import DataSource
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.feature_view import FeatureView
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

from feature_store.offline.asof import ViewJoin, join_view, key_columns, register_labels
from feature_store.offline.entity_frame import EntityFrame, Labels, read_labels
from recomart.settings import Settings, load_settings
from recomart.warehouse import apply_limits

PART_ROWS = 125_000
"""Labels that are joined at a time when the result goes to a file: some 25 MB of it."""


class AsofDuckDBOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """Takes memory limit, threads and spill folder from RecoMart's settings.

    Args:
        snapshot: folder of the published snapshot that is read in place of the current one.
        as_known_then: what is asked for without `filter_by_created_timestamp` is filtered too:
            features as they were known at the label's time.
    """

    type: StrictStr = "feature_store.stores.AsofDuckDBOfflineStore"
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
                views' join keys and one event timestamp (without a zone it is UTC). A key is text
                or a whole number (`feature_store/keys.py`). A row without a key or a time has no
                features.
            filter_by_created_timestamp: leave out what was not known yet at the label's time.

        Returns:
            A job whose result has the columns of `entity_df`, in its order, and the features.

        Raises:
            InvalidLabels: a join key or the times are missing, or a column has a feature's name.
            InvalidKey: a key has no exact text; for Arrow and Parquet when the result is asked for.
        """
        files = _Files(config.offline_store)
        views = [
            _view_join(view, feature_refs, full_feature_names, files) for view in feature_views
        ]
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        keys = key_columns(views)
        labels = read_labels(entity_df, keys)
        derived = [
            name
            for view in on_demand
            for _, name in _wanted(view.projection, feature_refs, full_feature_names)
        ]
        labels.check(keys, [*(name for view in views for _, name in view.features), *derived])
        return AsofRetrievalJob(
            config=config,
            labels=labels,
            views=views,
            as_known_then=filter_by_created_timestamp or config.offline_store.as_known_then,
            on_demand=on_demand,
            full_feature_names=full_feature_names,
            feature_refs=feature_refs,
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
        labels: EntityFrame,
        views: list[ViewJoin],
        as_known_then: bool,
        on_demand: list[OnDemandFeatureView],
        full_feature_names: bool,
        feature_refs: list[str],
    ) -> None:
        super().__init__()
        self._config = config
        self._labels = labels
        self._views = views
        self._as_known_then = as_known_then
        self._on_demand = on_demand
        self._full_feature_names = full_feature_names
        self._feature_refs = feature_refs

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        labels = self._labels.table()
        with closing(duckdb.connect()) as connection:
            settings = self._config.offline_store.settings
            apply_limits(connection, settings)
            register_labels(
                connection,
                labels,
                key_columns(self._views),
                self._labels.event_timestamp,
                self._labels.first_row,
            )
            for view in self._views:
                features = join_view(
                    connection,
                    view,
                    as_known_then=self._as_known_then,
                    threads=settings.threads,
                )
                for field, column in zip(features.schema, features.columns, strict=True):
                    labels = labels.append_column(field, column)
        return labels

    def to_parquet(self, path: Path, *, on_demand: bool = True) -> int:
        """Write the result to a Parquet file, in one step, some labels at a time.

        Neither labels nor result are ever in memory as a whole; DuckDB keeps its limit, and spills
        what is above it to disk. So what does not fit into memory can be joined.

        Args:
            on_demand: with the features of on-demand views.

        Returns:
            The count of rows: as many as there are labels, in their order.
        """
        rows, writer = 0, None
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            for part in self._labels.parts(PART_ROWS):
                job = self._of(EntityFrame(part, first_row=rows))
                result = job.to_arrow() if on_demand else job._to_arrow_internal()
                if writer is None:
                    writer = pq.ParquetWriter(temporary, result.schema, compression="zstd")
                writer.write_table(result.cast(writer.schema))
                rows += result.num_rows
        finally:
            if writer is not None:
                writer.close()
        temporary.replace(path)
        return rows

    def _of(self, labels: EntityFrame) -> AsofRetrievalJob:
        """The same job for some of the labels."""
        return AsofRetrievalJob(
            config=self._config,
            labels=labels,
            views=self._views,
            as_known_then=self._as_known_then,
            on_demand=self._on_demand,
            full_feature_names=self._full_feature_names,
            feature_refs=self._feature_refs,
        )

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._to_arrow_internal(timeout).to_pandas()
        return frame

    @property
    def full_feature_names(self) -> bool:
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata:
        first, last = self._labels.between()
        event_timestamp = self._labels.event_timestamp
        return RetrievalMetadata(
            features=self._feature_refs,
            keys=[name for name in self._labels.schema.names if name != event_timestamp],
            min_event_timestamp=first,
            max_event_timestamp=last,
        )

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,
    ) -> None:
        """Keep the result, on-demand features left out as in Feast, as a saved dataset."""
        import ibis

        target: DataSource = storage.to_data_source()
        if isinstance(target, FileSource) and target.path.endswith(".parquet"):
            path = (self._config.repo_path or Path()) / target.path
            if path.exists() and not allow_overwrite:
                raise SavedDatasetLocationAlreadyExists(location=target.path)
            self.to_parquet(path, on_demand=False)
            return
        table = ibis.memtable(self._to_arrow_internal(timeout))
        _write_data_source(table, target, str(self._config.repo_path), "overwrite", allow_overwrite)


@dataclass(frozen=True)
class _Files:
    """The file to read for a source's path: with a pinned snapshot, its own instead of the current
    one's."""

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
        raise ValueError(f"feature view {view.name}: its source is not a Parquet file: {source}")
    mapped = {new: old for old, new in source.field_mapping.items()}
    join_keys = view.projection.join_key_map or {e.name: e.name for e in view.entity_columns}
    return ViewJoin(
        path=files.of(source.path),
        keys=tuple((mapped.get(key, key), label) for key, label in join_keys.items()),
        features=tuple(
            (mapped.get(name, name), shown)
            for name, shown in _wanted(view.projection, feature_refs, full_names)
        ),
        event_timestamp=source.timestamp_field,
        created=source.created_timestamp_column or None,
        ttl=view.ttl,
    )


def _wanted(
    projection: Any,  # Feast's methods of it have no types
    feature_refs: list[str],
    full_names: bool,
) -> list[tuple[str, str]]:
    """The features that are wanted of a view, and their names in the result."""
    prefix = f"{projection.name_to_use()}:"
    shown = projection.name_alias or projection.name
    names = [ref.removeprefix(prefix) for ref in feature_refs if ref.startswith(prefix)]
    return [(name, f"{shown}__{name}" if full_names else name) for name in names]


def _limit_ibis(config: RepoConfig) -> None:
    """Give Feast's ibis a DuckDB of its own kind: it has no setting for limits."""
    import ibis

    backend = ibis.duckdb.connect()
    apply_limits(backend.con, config.offline_store.settings)
    ibis.set_backend(backend)
