"""Registering a snapshot's definitions with Feast, and keeping old registries readable.

A registry holds what `build` makes of a snapshot's manifest and of the code: the sources of the
on-demand views, which import functions by their path, and the lists of derived and real-time
features. When that code changes, a registry that was written before no longer fits it. So each
registry carries the version of the code that wrote it, as a tag of its project, and an outdated one
is written again from the snapshot's own manifest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_store.definitions.manifest import Model, read_models
from feature_store.definitions.realtime_views import write_empty_sources
from feature_store.definitions.views import VERSION_TAG, build, definitions_version
from feature_store.snapshots import Snapshot
from recomart.errors import SnapshotDamaged
from recomart.settings import Settings

if TYPE_CHECKING:
    from feast import FeatureStore


def register(store: FeatureStore, settings: Settings, snapshot: Snapshot) -> None:
    """Register the snapshot's definitions, and remove those that it no longer has.

    Args:
        store: whose registry is written.

    Raises:
        SnapshotDamaged: the snapshot's manifest is missing or unreadable.
    """
    write_empty_sources(settings)
    objects = list(build(settings, models_of(snapshot), snapshot.prior).objects().values())
    names = {(type(o).__name__, o.name) for o in objects}
    registered: list[Any] = [
        *store.list_feature_services(),
        *store.list_on_demand_feature_views(),
        *store.list_batch_feature_views(),
    ]
    stale = [o for o in registered if (type(o).__name__, o.name) not in names]
    store.apply(objects, objects_to_delete=stale, partial=False)


def is_outdated(registry: Path, project: str) -> bool:
    """Whether a registry is missing, unreadable, or was written by another version of the code."""
    from feast.protos.feast.core.Registry_pb2 import Registry
    from google.protobuf.message import DecodeError

    content = Registry()
    try:
        content.ParseFromString(registry.read_bytes())
    except (FileNotFoundError, DecodeError):
        return True
    versions = [p.spec.tags[VERSION_TAG] for p in content.projects if p.spec.name == project]
    return versions != [definitions_version()]


def models_of(snapshot: Snapshot) -> tuple[Model, ...]:
    """The models that the snapshot published, from its manifest.

    Raises:
        SnapshotDamaged: the manifest is missing or unreadable.
    """
    try:
        models = read_models(snapshot.manifest)
    except FileNotFoundError as exc:
        raise _unreadable(snapshot, "no such file") from exc
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as exc:
        raise _unreadable(snapshot, f"not a manifest of dbt: {exc!r}") from exc
    if not models:
        raise _unreadable(snapshot, "no model that is published")
    return models


def _unreadable(snapshot: Snapshot, found: str) -> SnapshotDamaged:
    return SnapshotDamaged(
        f"the feature definitions of snapshot {snapshot.hash} cannot be read",
        where=str(snapshot.manifest),
        found=found,
        help="put the file back from a copy of the lake, or run 'recomart publish' for a new "
        "snapshot",
    )
