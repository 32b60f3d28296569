"""Feast's stores as RecoMart configures them: paths, limits and Redis come from the settings.

`feature_repo/feature_store.yaml` names the classes of this module, so `feast apply` by hand sees
the same lake and Redis as `recomart publish`. Importing this module imports Feast, which takes
seconds: do so where it is used.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from feast import FeatureStore, RepoConfig
from feast.infra.online_stores.redis import RedisOnlineStoreConfig, RedisType
from feast.infra.registry.file import FileRegistryStore
from feast.protos.feast.core.Registry_pb2 import Registry as RegistryProto
from feast.repo_config import RegistryConfig
from pydantic import Field, StrictStr, model_validator

from feature_store.definitions.registration import is_outdated, register
from feature_store.offline.store import AsofDuckDBOfflineStore, AsofDuckDBOfflineStoreConfig
from feature_store.online.bulk_store import BulkRedisOnlineStoreConfig
from feature_store.online.redis import connect, connect_async
from feature_store.realtime.online_store import RealtimeViews
from feature_store.snapshots import PUBLISH_LOCK, Snapshot, current_snapshot
from recomart.processes import only_one
from recomart.project import FEATURE_REPO
from recomart.settings import Settings, load_settings

__all__ = [
    "AsofDuckDBOfflineStore",
    "AsofDuckDBOfflineStoreConfig",
    "LakeRedisOnlineStore",
    "LakeRedisOnlineStoreConfig",
    "LakeRegistryStore",
    "open_store",
    "store_on",
]

MATERIALIZATION = "feature_store.online.materialization.ColumnarComputeEngine"
PROJECT_OF_SETTINGS = "recomart"

log = logging.getLogger(__name__)


def open_store(
    settings: Settings, snapshot: Snapshot | None = None, *, as_known_then: bool = False
) -> FeatureStore:
    """The feature store of a lake. Redis is not touched before features are read online.

    Definitions that another version of the code registered are registered again first.

    Args:
        snapshot: read its files by its definitions, whatever is published meanwhile; without it,
            what is current.
        as_known_then: historical features are those known at each label's time; without it those
            known now, with what came late and what was corrected since.

    Raises:
        SnapshotDamaged: the definitions are missing or outdated, and the snapshot's manifest, from
            which they could be written again, cannot be read.
    """
    _update_definitions(settings, snapshot)
    registry = snapshot.definitions if snapshot else settings.registry
    return store_on(settings, registry, snapshot, as_known_then=as_known_then)


def store_on(
    settings: Settings,
    registry: Path,
    snapshot: Snapshot | None = None,
    *,
    as_known_then: bool = False,
) -> FeatureStore:
    """The feature store of a lake over this registry, as it is; arguments as in `open_store`."""
    stores = "feature_store.stores"
    config = RepoConfig(
        project=settings.feast_project,
        provider="local",
        registry={"registry_store_type": f"{stores}.LakeRegistryStore", "path": str(registry)},
        online_store={"type": f"{stores}.LakeRedisOnlineStore", "settings": settings},
        offline_store={
            "type": f"{stores}.AsofDuckDBOfflineStore",
            "settings": settings,
            "snapshot": snapshot and snapshot.folder,
            "as_known_then": as_known_then,
        },
        batch_engine=MATERIALIZATION,
        entity_key_serialization_version=3,
    )
    config.repo_path = FEATURE_REPO
    return FeatureStore(config=config)


def _update_definitions(settings: Settings, snapshot: Snapshot | None) -> None:
    """Register again what another version of the code registered."""
    if snapshot is not None:
        if is_outdated(snapshot.definitions, settings.feast_project):
            log.info("the definitions of snapshot %s are registered again", snapshot.hash)
            # a registry of its own, moved into place: a reader meanwhile sees the old one
            new = snapshot.definitions.with_name(f".{snapshot.definitions.name}.{os.getpid()}.tmp")
            try:
                register(store_on(settings, new), settings, snapshot)
                new.replace(snapshot.definitions)
            finally:
                new.unlink(missing_ok=True)
        return
    if not settings.registry.exists() or not settings.current_features.exists():
        return  # nothing is published: Feast says so when features are read
    if is_outdated(settings.registry, settings.feast_project):
        with only_one(settings, PUBLISH_LOCK):
            if is_outdated(settings.registry, settings.feast_project):
                log.info("the definitions of the current snapshot are registered again")
                register(
                    store_on(settings, settings.registry), settings, current_snapshot(settings)
                )


class LakeRegistryStore(FileRegistryStore):
    """Feast's registry in the lake, replaced in one step, so that no reader sees half of it."""

    def __init__(self, registry_config: RegistryConfig, repo_path: Path) -> None:
        super().__init__(registry_config, repo_path)
        if not registry_config.path:
            self._filepath = load_settings().registry

    def _write_registry(self, registry_proto: RegistryProto) -> None:
        target = self._filepath
        target.parent.mkdir(parents=True, exist_ok=True)
        self._filepath = target.with_name(f".{target.name}.tmp")
        try:
            super()._write_registry(registry_proto)
            self._filepath.replace(target)
        finally:
            self._filepath = target


class LakeRedisOnlineStoreConfig(BulkRedisOnlineStoreConfig):
    """Takes Redis from RecoMart's settings: RECOMART_REDIS_URL, or the embedded server.

    Feast's `connection_string` cannot hold a URL, nor a comma in a password; it is used for
    `redis_type: redis_cluster` and `redis_sentinel` alone.
    """

    type: StrictStr = "feature_store.stores.LakeRedisOnlineStore"
    settings: Settings = Field(default_factory=load_settings, exclude=True, repr=False)

    @model_validator(mode="after")
    def _project_from_settings(self) -> LakeRedisOnlineStoreConfig:
        name_project_by_settings()
        return self


class LakeRedisOnlineStore(RealtimeViews):
    """The bulk store and the real-time views on the shop's Redis; the embedded server is started
    when it is needed."""

    def _get_client(self, online_store_config: RedisOnlineStoreConfig) -> Any:
        if self._client is None and (settings := _single(online_store_config)):
            self._client = connect(settings)
        return super()._get_client(online_store_config)

    async def _get_client_async(self, online_store_config: RedisOnlineStoreConfig) -> Any:
        if self._client_async is None and (settings := _single(online_store_config)):
            self._client_async = connect_async(settings)
        return await super()._get_client_async(online_store_config)


def _single(config: RedisOnlineStoreConfig) -> Settings | None:
    """The settings that name the server; None for a cluster or sentinels."""
    if isinstance(config, LakeRedisOnlineStoreConfig) and config.redis_type == RedisType.redis:
        return config.settings
    return None


def name_project_by_settings() -> None:
    """Let the project `recomart` of feature_store.yaml mean the shop's, `recomart_<shop>`.

    Feast expands only variables that are set in its YAML, and offers no hook for the project's
    name. So `RepoConfig.project` becomes a property that puts the name of the settings in the
    place of that one word; every other name stays as it is.
    """
    if isinstance(vars(RepoConfig).get("project"), property):
        return

    def get(config: RepoConfig) -> str:
        values = vars(config)
        if values["project"] == PROJECT_OF_SETTINGS:
            values["project"] = load_settings().feast_project
        project: str = values["project"]
        return project

    def put(config: RepoConfig, name: str) -> None:
        vars(config)["project"] = name

    RepoConfig.project = property(get, put)  # type: ignore[assignment]  # on purpose, see above
