"""Generated labels, and a Feast store with one view over generated features, to measure joins with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from feast import FeatureStore

FEATURES = 10
"""The features of the view: doubles, f0 to f9."""
OURS = "feature_store.stores.AsofDuckDBOfflineStore"


def write_labels(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    labels: int,
    entities: int,
    minutes: int,
    prefix: str = "e",
) -> None:
    """`labels.parquet`: row_id, entity_id (e0, e1, ...) and event_timestamp, equal for equal numbers.

    Args:
        minutes: the labels' times are within this time after 2024-01-01.
    """
    connection.execute(
        f"""
        copy (
            select
                i as row_id,
                '{prefix}' || hash(i) % {entities} as entity_id,
                timestamp '2024-01-01' + to_minutes((hash(i, 1) % {minutes})::int)
                    as event_timestamp
            from range({labels}) as a(i)
        ) to '{folder}/labels.parquet' (format parquet)
        """
    )


def open_store(
    folder: Path, offline_store: dict[str, Any], registry: str = "registry.db"
) -> FeatureStore:
    """A store with the view `view` over `features.parquet`: entity_id, event_timestamp, created_at
    and the features.

    Args:
        offline_store: as in a feature_store.yaml.
    """
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, String

    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=str(folder / registry),
            online_store=None,
            offline_store=offline_store,
            entity_key_serialization_version=3,
        )
    )
    entity = Entity(name="entity", join_keys=["entity_id"], value_type=ValueType.STRING)
    fields = [Field(name=f"f{i}", dtype=Float64) for i in range(FEATURES)]
    view = FeatureView(
        name="view",
        entities=[entity],
        schema=[Field(name="entity_id", dtype=String), *fields],
        source=FileSource(
            path=str(folder / "features.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_at",
        ),
    )
    store.apply([entity, view])
    return store
