"""Which model serves: the version that the alias `champion` names."""

from __future__ import annotations

from feature_store.registered_models import (
    ARTIFACT_FOLDER,
    FEATURES_AS_KNOWN,
    FEATURES_AT,
    FEATURES_HASH,
    KIND,
    READS,
    REGISTERED_MODEL,
    SHA256,
    TRAINING_HASH,
    ModelVersion,
    database,
    model_versions,
)
from recomart.errors import NoChampion
from recomart.settings import Settings

__all__ = [
    "ARTIFACT_FOLDER",
    "CHALLENGER",
    "CHAMPION",
    "FEATURES_AS_KNOWN",
    "FEATURES_AT",
    "FEATURES_HASH",
    "KIND",
    "NEWEST_SVD",
    "READS",
    "REGISTERED_MODEL",
    "SHA256",
    "TRAINING_HASH",
    "ModelVersion",
    "champion",
]

CHAMPION, CHALLENGER, NEWEST_SVD = "champion", "challenger", "svd"


def champion(settings: Settings) -> ModelVersion:
    """The version that the alias `champion` names.

    Raises:
        NoChampion: nothing is registered yet, or the alias was removed.
        NotReady: the registry cannot be read.
    """
    path = database(settings)
    if not path.is_file():
        raise NoChampion(
            f"shop '{settings.shop_name}' has no model yet",
            where=str(path),
            found="no model registry",
            help="run 'recomart train' first, or 'recomart pipeline' for all steps",
        )
    for version in model_versions(settings):
        if CHAMPION in version.aliases:
            return version
    raise NoChampion(
        f"no version of {REGISTERED_MODEL} has the alias '{CHAMPION}'",
        where=str(path),
        help="run 'recomart train', or set the alias on MLflow's page ('recomart mlflow')",
    )
