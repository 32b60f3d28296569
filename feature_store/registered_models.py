"""The registered models, read from MLflow's SQLite file without importing MLflow.

MLflow stays the only source of truth: an alias that someone moves on its page counts from then on.
But its import takes four seconds, and reading the file a millisecond. So versions, tags and aliases
are read from their tables. They have had these columns since MLflow 2.3 (aliases) and 1.0 (the
rest); should a later MLflow change them, the error says so, and `mlflow.pyfunc.load_model` goes on
working.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

from recomart.errors import NotReady
from recomart.settings import Settings

REGISTERED_MODEL = "recomart-recommender"
ARTIFACT_FOLDER = "model"
"""Name of our files' folder inside MLflow's model (`artifacts/<name>` there)."""

CHAMPION = "champion"
"""Alias: the version that serves."""
KIND, SHA256 = "kind", "sha256"
FEATURES_HASH, TRAINING_HASH = "features_hash", "training_set"
FEATURES_AT = "features_at"
"""Tag: which state of the snapshot's list of batches was learned from (`Snapshot.batches_at`)."""
FEATURES_AS_KNOWN = "features_as_known"
"""Tag: `now`, or `then` when features were taken as they were known at each label's time."""
READS = "reads"
"""Tag: the published tables that the kind learns from, joined by commas."""
EVALUATION = "evaluation"
"""Tag: the name of the file that says what the training's models were worth."""
AS_OF, PROTOCOL, TEST_CUT = "as_of", "protocol", "test_cut"
"""Tags: up to when the model learned, and how and from when on its training was tested."""
VALIDATION_NDCG, LIFT, RULE = "validation_ndcg", "lift", "simple_rule"
"""Tags: nDCG@10 on the validation window, and the difference to the best simple rule."""
CHAMPIONS = "champions"
"""Tag of the registered model: the versions that were champion, the latest last, as JSON."""

_DELETED = "Deleted_Internal"  # MLflow keeps the row of a deleted version under this stage
_VERSIONS = """
    select version, run_id, creation_time, coalesce(storage_location, source)
    from model_versions
    where name = ? and current_stage is not ?
    order by version
"""
_TAGS = "select version, key, value from model_version_tags where name = ?"
_MODEL_TAGS = "select key, value from registered_model_tags where name = ?"
_ALIASES = "select version, alias from registered_model_aliases where name = ? order by alias"
_NAMED = """
    select distinct tags.value
    from model_version_tags as tags
    join model_versions as versions
        on versions.name = tags.name and versions.version = tags.version
    where tags.key = ? and versions.current_stage is not ?
"""


@dataclass(frozen=True)
class ModelVersion:
    """One version of the registered model.

    Args:
        version: its number in MLflow.
        run_id: the run that made it.
        registered_at: UTC.
        folder: our artifact's files.
        tags: of the version; KIND, SHA256 and the hashes among them.
        aliases: that name it, in the order of the alphabet.
    """

    version: str
    run_id: str
    registered_at: datetime
    folder: Path
    tags: dict[str, str]
    aliases: tuple[str, ...]


def database(settings: Settings) -> Path:
    """MLflow's file; it need not exist yet."""
    return settings.lake / "mlflow.db"


def model_versions(settings: Settings) -> tuple[ModelVersion, ...]:
    """Every registered version, oldest first; none when nothing was trained yet.

    Raises:
        NotReady: the file is there, but cannot be read.
    """
    if not database(settings).is_file():
        return ()
    name = (REGISTERED_MODEL,)
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    aliases: dict[int, list[str]] = defaultdict(list)
    with _open(settings) as database_file:
        rows = database_file.execute(_VERSIONS, (*name, _DELETED)).fetchall()
        for version, key, value in database_file.execute(_TAGS, name):
            tags[version][key] = value
        for version, alias in database_file.execute(_ALIASES, name):
            aliases[version].append(alias)
    return tuple(
        ModelVersion(
            version=str(version),
            run_id=run_id or "",
            registered_at=datetime.fromtimestamp(created / 1000, UTC),
            folder=_folder(location),
            tags=tags[version],
            aliases=tuple(aliases[version]),
        )
        for version, run_id, created, location in rows
    )


def named_snapshots(settings: Settings) -> set[str]:
    """The feature snapshots that any registered model's tag FEATURES_HASH names.

    Raises:
        NotReady: the file is there, but cannot be read.
    """
    if not database(settings).is_file():
        return set()
    with _open(settings) as database_file:
        return {value for (value,) in database_file.execute(_NAMED, (FEATURES_HASH, _DELETED))}


def model_tags(settings: Settings) -> dict[str, str]:
    """The tags of the registered model itself; none when nothing was trained yet.

    Raises:
        NotReady: the file is there, but cannot be read.
    """
    if not database(settings).is_file():
        return {}
    with _open(settings) as database_file:
        return dict(database_file.execute(_MODEL_TAGS, (REGISTERED_MODEL,)).fetchall())


@contextmanager
def _open(settings: Settings) -> Iterator[sqlite3.Connection]:
    path = database(settings)
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)) as opened:
            yield opened
    except sqlite3.Error as exc:
        raise NotReady(
            "MLflow's registry cannot be read",
            where=str(path),
            found=str(exc),
            help="run 'recomart train' again; if that fails too, move the file away first",
        ) from exc


def _folder(location: str) -> Path:
    return Path(unquote(urlparse(location).path)) / "artifacts" / ARTIFACT_FOLDER
