"""Feast's materialization engine, handing tables to a store that takes them.

Feast's own converts every value into a message object before the store sees it, which is most of
the time that `feast materialize` takes, and has pandas drop what the query has dropped already.
"""

from __future__ import annotations

from typing import Any, Literal

from feast import FeatureView
from feast.infra.common.materialization_job import (
    MaterializationJobStatus,
    MaterializationTask,
)
from feast.infra.compute_engines.local.compute import (
    LocalComputeEngine,
    LocalComputeEngineConfig,
)
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from feast.infra.registry.base_registry import BaseRegistry
from feast.utils import _get_column_names

from feature_store.online.bulk_store import BulkRedisOnlineStore

BATCH_ROWS = 50_000
TYPE = "feature_store.online.materialization.ColumnarComputeEngine"


class ColumnarComputeEngineConfig(LocalComputeEngineConfig):
    """Named in feature_store.yaml by `batch_engine`."""

    type: Literal["feature_store.online.materialization.ColumnarComputeEngine"] = TYPE  # type: ignore[assignment]  # narrows Feast's "local"


class ColumnarComputeEngine(LocalComputeEngine):
    """Feast's local engine, but for plain views on a store that takes tables."""

    def _materialize_one(
        self, registry: BaseRegistry, task: MaterializationTask, **kwargs: Any
    ) -> LocalMaterializationJob:
        view, store = task.feature_view, self.online_store
        if not (
            _is_plain(task)
            and isinstance(store, BulkRedisOnlineStore)
            and store.takes_tables(self.repo_config, view)
        ):
            return super()._materialize_one(registry, task, **kwargs)
        job_id = f"{view.name}-{task.start_time}-{task.end_time}"
        try:
            self._write(registry, task, store)
        except Exception as exc:  # Feast raises it from the job, with the view's name
            return LocalMaterializationJob(
                job_id=job_id, status=MaterializationJobStatus.ERROR, error=exc
            )
        return LocalMaterializationJob(job_id=job_id, status=MaterializationJobStatus.SUCCEEDED)

    def _write(
        self, registry: BaseRegistry, task: MaterializationTask, store: BulkRedisOnlineStore
    ) -> None:
        view = task.feature_view
        entities = [registry.get_entity(name, task.project) for name in view.entities]
        keys, features, event_timestamp, created = _get_column_names(view, entities)
        assert view.batch_source is not None
        job = self.offline_store.pull_latest_from_table_or_query(
            config=self.repo_config,
            data_source=view.batch_source,
            join_key_columns=keys,
            feature_name_columns=features,
            timestamp_field=event_timestamp,
            created_timestamp_column=created,
            start_date=task.start_time,
            end_date=task.end_time,
        )
        rows = job.to_arrow()
        mapping = view.batch_source.field_mapping
        rows = rows.rename_columns([mapping.get(name, name) for name in rows.column_names])
        size = self.repo_config.materialization_config.online_write_batch_size or BATCH_ROWS
        for start in range(0, rows.num_rows, size):
            store.online_write_table(self.repo_config, view, rows.slice(start, size))


def _is_plain(task: MaterializationTask) -> bool:
    """Whether the view's newest rows are copied from its source as they are."""
    view = task.feature_view
    return (
        type(view) is FeatureView
        and view.online
        and not view.offline
        and task.only_latest
        and not task.disable_event_timestamp
        and not any(
            getattr(view, name, None)
            for name in ("aggregations", "feature_transformation", "enable_validation", "filter")
        )
    )
