"""Naming the champion: by training, by hand, and back again.

The alias `champion` says which version serves. The registered model's tag CHAMPIONS lists the
versions that it named, so that `rollback` knows the one before. The two cannot be written at once:
the alias moves first when a version is promoted and last when one is rolled back, so that a killed
call leaves an order from which the next rollback goes back, never forward.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feature_store.snapshots import RECORD
from recomart.errors import ModelDamaged, NoChampion, SnapshotDamaged
from recomart.settings import Settings
from training import registry
from training.artifact import load
from training.mlflow_store import open_mlflow
from training.registry import ModelVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEPT = 50
"""Champions that are remembered."""


def promote(settings: Settings, number: str, *, force: bool = False) -> ModelVersion:
    """Let a registered version serve, and return it.

    Args:
        force: also when the snapshot that it learned from is gone. A version that cannot be loaded
            is refused all the same: it could serve nobody.

    Raises:
        UnknownName: there is no such version, or its kind is no longer registered.
        ModelDamaged: its files are not those that were registered.
        SnapshotDamaged: the features that it learned from are gone.
        NotReady: it was trained by an older RecoMart whose models can no longer be loaded.
    """
    version = registry.version_of(settings, number)
    check(settings, version, force=force)
    if registry.CHAMPION not in version.aliases:
        with open_mlflow(settings) as (_, client):
            name_champion(settings, client, version.version)
    return version


def rollback(settings: Settings, *, force: bool = False) -> tuple[ModelVersion, ModelVersion]:
    """Let the version serve that was champion before, and return both: the old and the new one.

    Raises:
        NoChampion: there is none now, or none was before.
        UnknownName, ModelDamaged, SnapshotDamaged, NotReady: as in `promote`, of the version that
            was champion before.
    """
    now = registry.champion(settings)
    there = {version.version: version for version in registry.model_versions(settings)}
    before = [one for one in registry.earlier_champions(settings) if one in there]
    while before and before[-1] == now.version:
        before.pop()
    if not before:
        raise NoChampion(
            f"no version was champion before version {now.version}",
            help="choose one: 'recomart champion --all', then 'recomart champion promote VERSION'",
        )
    target = there[before[-1]]
    check(settings, target, force=force)
    with open_mlflow(settings) as (_, client):
        _remember(client, before)
        _point(client, target.version)
    return now, target


def name_champion(settings: Settings, client: MlflowClient, number: str) -> None:
    """Move the alias to a version, and remember it and the one before."""
    order = list(registry.earlier_champions(settings))
    for version in registry.model_versions(settings):
        if registry.CHAMPION in version.aliases and order[-1:] != [version.version]:
            order.append(version.version)  # somebody moved the alias on MLflow's page
    _point(client, number)
    _remember(client, order if order[-1:] == [number] else [*order, number])


def check(settings: Settings, version: ModelVersion, *, force: bool = False) -> None:
    """Refuse a version that could not serve, or whose training nobody could repeat.

    Raises: as in `promote`.
    """
    if registry.SHA256 not in version.tags:
        raise ModelDamaged(
            f"version {version.version} has no sha256 in the registry, so its files cannot be checked",
            where=str(version.folder),
            help="choose a version that RecoMart registered: see 'recomart champion --all'",
        )
    load(version.folder, sha256=version.tags[registry.SHA256])
    hash = version.tags.get(registry.FEATURES_HASH, "")
    if force or (hash and (settings.features / hash / RECORD).is_file()):
        return
    raise SnapshotDamaged(
        f"the features that version {version.version} learned from are gone",
        where=str(settings.features / hash),
        found="no such snapshot",
        help="it can serve, but its training cannot be repeated: add --force to accept that",
    )


def _point(client: MlflowClient, number: str) -> None:
    client.set_registered_model_alias(registry.REGISTERED_MODEL, registry.CHAMPION, number)


def _remember(client: MlflowClient, order: Sequence[str]) -> None:
    kept = json.dumps(list(order[-KEPT:]))
    client.set_registered_model_tag(registry.REGISTERED_MODEL, registry.CHAMPIONS, kept)
