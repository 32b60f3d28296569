"""Feast's stores as RecoMart configures them: paths, limits and Redis come from the settings.

`feature_repo/feature_store.yaml` names the classes of this module, so `feast apply` by hand sees
the same lake and Redis as `recomart publish`. Importing this module imports Feast, which takes
seconds: do so where it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from feast import FeatureStore, RepoConfig
from feast.infra.online_stores.redis import RedisOnlineStoreConfig, RedisType
from feast.infra.registry.file import FileRegistryStore
from feast.protos.feast.core.Registry_pb2 import Registry as RegistryProto
from feast.repo_config import RegistryConfig
from pydantic import Field, StrictStr, model_validator

from feature_store.offline.store import AsofDuckDBOfflineStore, AsofDuckDBOfflineStoreConfig
from feature_store.online.bulk_store import BulkRedisOnlineStoreConfig
from feature_store.realtime.online_store import RealtimeViews
from feature_store.snapshots import Snapshot
from recomart.errors import NotReady
from recomart.project import FEATURE_REPO
from recomart.redis import connect, connect_async
from recomart.settings import Settings, load_settings

__all__ = [
    "AsofDuckDBOfflineStore",
    "AsofDuckDBOfflineStoreConfig",
    "LakeRedisOnlineStore",
    "LakeRedisOnlineStoreConfig",
    "LakeRegistryStore",
    "open_store",
]

MATERIALIZATION = "feature_store.online.materialization.ColumnarComputeEngine"
PROJECT_OF_SETTINGS = "recomart"


def open_store(
    settings: Settings, snapshot: Snapshot | None = None, *, as_known_then: bool = False
) -> FeatureStore:
    """The feature store of a lake. Redis is not touched before features are read online.

    Args:
        snapshot: read its files by its definitions, whatever is published meanwhile; without it,
            what is current.
        as_known_then: historical features are those known at each label's time; without it those
            known now, with what came late and what was corrected since.

    Raises:
        NotReady: the snapshot was published before its definitions were kept with it.
    """
    stores = "feature_store.stores"
    if snapshot is not None and not snapshot.definitions.exists():
        raise NotReady(
            f"snapshot {snapshot.hash} has no definitions of its features beside it",
            where=str(snapshot.definitions),
            help=f"run 'recomart features history --restore {snapshot.hash}' once: it adds them",
        )
    config = RepoConfig(
        project=settings.feast_project,
        provider="local",
        registry={
            "registry_store_type": f"{stores}.LakeRegistryStore",
            "path": str(snapshot.definitions if snapshot else settings.registry),
        },
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
    """Let the project `recomart` of feature_store.yaml stand for the shop's, `recomart_<shop>`.

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
        return values["project"]

    def put(config: RepoConfig, name: str) -> None:
        vars(config)["project"] = name

    RepoConfig.project = property(get, put)  # type: ignore[assignment]  # on purpose, see above
