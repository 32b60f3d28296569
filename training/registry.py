"""Which model serves: a look into MLflow's registry without importing MLflow.

MLflow stays the only truth: an alias that someone moves on its page counts from then on. But its
import takes four seconds, and a lookup one millisecond, so the three tables that say which version
has an alias, where its files are and what its tags say are read from its SQLite file directly.
They have had these columns since MLflow 2.3 (aliases) and 1.0 (the rest); should a later MLflow
change them, the error says so, and `mlflow.pyfunc.load_model` goes on working.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from recomart.errors import NoChampion, NotReady
from recomart.settings import Settings

REGISTERED_MODEL = "recomart-recommender"
CHAMPION, CHALLENGER, NEWEST_SVD = "champion", "challenger", "svd"
KIND, SHA256, FEATURES_HASH, TRAINING_HASH = "kind", "sha256", "features_hash", "training_set"
ARTIFACT_FOLDER = "model"
"""Name of our files' folder inside MLflow's model (`artifacts/<name>` there)."""

_QUERY = """
    select versions.version, versions.storage_location, versions.source
    from registered_model_aliases as aliases
    join model_versions as versions
        on versions.name = aliases.name and versions.version = aliases.version
    where aliases.name = ? and aliases.alias = ?
"""
_TAGS = "select key, value from model_version_tags where name = ? and version = ?"


@dataclass(frozen=True)
class RegisteredModel:
    """One version of the registered model.

    Args:
        version: its number in MLflow.
        folder: our artifact's files.
        tags: of the version; KIND, SHA256 and the hashes among them.
    """

    version: str
    folder: Path
    tags: dict[str, str]


def champion(settings: Settings) -> RegisteredModel:
    """The version that the alias `champion` names.

    Raises:
        NoChampion: nothing is registered yet, or the alias was removed.
    """
    database = settings.lake / "mlflow.db"
    if not database.is_file():
        raise NoChampion(
            f"shop '{settings.shop_name}' has no model yet",
            where=str(database),
            found="no model registry",
            help="run 'recomart train' first, or 'recomart pipeline' for all steps",
        )
    try:
        with closing(
            sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5.0)
        ) as registry:
            row = registry.execute(_QUERY, (REGISTERED_MODEL, CHAMPION)).fetchone()
            tags = row and dict(registry.execute(_TAGS, (REGISTERED_MODEL, row[0])).fetchall())
    except sqlite3.Error as exc:
        raise NotReady(
            "MLflow's registry cannot be read",
            where=str(database),
            found=str(exc),
            help="run 'recomart train' again; if that fails too, move the file away first",
        ) from exc
    if not row:
        raise NoChampion(
            f"no version of {REGISTERED_MODEL} has the alias '{CHAMPION}'",
            where=str(database),
            help="run 'recomart train', or set the alias on MLflow's page ('recomart mlflow')",
        )
    version, storage, source = row
    folder = Path(unquote(urlparse(storage or source).path)) / "artifacts" / ARTIFACT_FOLDER
    return RegisteredModel(str(version), folder, tags)
