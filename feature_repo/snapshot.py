"""Published snapshots: `<lake>/features/<hash>/<model>.parquet`, and the link `current`."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from feature_repo.builds import manifest_of, require_tested
from feature_repo.manifest import Model, definition_digest, read_models
from recomart.derived import Prior
from recomart.errors import ConfigurationError, NothingPublished, NotReady
from recomart.files import fsync_folder, replace_text, sha256_of, swap_link
from recomart.settings import Settings
from recomart.sql import identifier, literal
from recomart.step import Progress, no_progress
from recomart.warehouse import warehouse

MANIFEST = "manifest.json"
RECORD = "snapshot.json"
SHOP_MODEL = "dim_shop"
KEPT = 10
HASH_DIGITS = 16
ROW_GROUP_ROWS = 122_880

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """Tested features as they stood at `as_of`; all times are UTC."""

    folder: Path
    hash: str
    shop: str
    as_of: datetime
    published_at: datetime
    rows: dict[str, int]
    prior: Prior

    def file(self, model: str) -> Path:
        """The Parquet file of a model, through its snapshot's own folder."""
        return self.folder / f"{model}.parquet"

    def models(self) -> tuple[Model, ...]:
        """What dbt's manifest of the build says about the published models."""
        return read_models(self.folder / MANIFEST)


def current_snapshot(settings: Settings) -> Snapshot:
    """The snapshot that `<lake>/features/current` links to.

    Raises:
        NothingPublished: there is none.
    """
    record = settings.current_features / RECORD
    if not record.exists():
        raise NothingPublished(
            f"no tested features are published in {settings.features}",
            help="run 'make pipeline', or 'recomart transform' and 'recomart publish'",
        )
    return _read(record.resolve())


def take_snapshot(settings: Settings, progress: Progress = no_progress) -> Snapshot:
    """Copy every model to publish out of the warehouse, and link the result as `current`.

    Equal tables give equal bytes and so the same folder. A reader sees the old snapshot or the
    new one; a killed call leaves a folder that the next one removes.

    Raises:
        NotReady, TransformFailed: the tables were not tested; nothing is published.
        WarehouseLocked: another process writes to the warehouse.
        ConfigurationError: the tables differ from what the manifest declares.
    """
    settings.features.mkdir(parents=True, exist_ok=True)
    for leftover in settings.features.glob(".taking-*"):
        shutil.rmtree(leftover)
    taking = settings.features / f".taking-{os.getpid()}"
    taking.mkdir()
    with warehouse(settings, read_only=True) as connection:
        manifest = manifest_of(settings, require_tested(connection))
        models = read_models(manifest)
        if SHOP_MODEL not in {model.name for model in models}:
            raise ConfigurationError(
                f"the manifest publishes no {SHOP_MODEL}, which holds the shop's clock",
                where=str(manifest),
            )
        rows = {}
        for done, model in enumerate(models):
            progress(model.name, done, len(models))
            rows[model.name] = _copy(connection, model, taking / f"{model.name}.parquet")
        as_of, prior = _shop(connection, taking / f"{SHOP_MODEL}.parquet")
    digest = _digest(models, taking)
    shutil.copyfile(manifest, taking / MANIFEST)
    folder = settings.features / digest
    snapshot = Snapshot(folder, digest, settings.shop_name, as_of, datetime.now(UTC), rows, prior)
    replace_text(taking / RECORD, _record(snapshot))
    if folder.exists():
        (taking / MANIFEST).replace(folder / MANIFEST)  # descriptions may be newer
        shutil.rmtree(taking)
        os.utime(folder)
        snapshot = _read(folder / RECORD)
    else:
        fsync_folder(taking)
        taking.rename(folder)
    swap_link(settings.current_features, digest)
    return snapshot


def prune(settings: Settings) -> list[Path]:
    """Remove old snapshots: all but the last ten and those that a registered model names."""
    named = _named_by_models(settings)
    if named is None:
        log.warning("the model registry cannot be read: no old snapshot is removed")
        return []
    folders = [path.parent for path in settings.features.glob(f"*/{RECORD}")]
    folders = [folder for folder in folders if not folder.is_symlink()]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    removed = [folder for folder in folders[KEPT:] if folder.name not in named]
    for folder in removed:
        shutil.rmtree(folder)
    return removed


def _copy(connection: duckdb.DuckDBPyConnection, model: Model, target: Path) -> int:
    """Write one model in the order of its key. Decimals become doubles, as readers compute."""
    source = f"{identifier(model.schema)}.{identifier(model.table)}"
    found = connection.execute(f"select column_name, column_type from (describe {source})")
    types = dict(found.fetchall())
    absent = [column.name for column in model.columns if column.name not in types]
    if absent or len(types) != len(model.columns):
        extra = sorted(types.keys() - {column.name for column in model.columns})
        raise ConfigurationError(
            f"{model.schema}.{model.table} is not what dbt's manifest declares",
            found=f"missing: {', '.join(absent) or '-'}; undeclared: {', '.join(extra) or '-'}",
            help="run 'recomart transform' after a change of a model or its YAML",
        )
    columns = ", ".join(
        f"{identifier(name)}::double as {identifier(name)}"
        if kind.startswith("DECIMAL")
        else identifier(name)
        for name, kind in types.items()
    )
    order = ", ".join(map(identifier, model.order_by))
    # one thread and a fixed size of row groups: equal tables give equal bytes
    threads = connection.execute("select current_setting('threads')").fetchone()
    connection.execute("set threads = 1")
    connection.execute(
        f"""
        copy (select {columns} from {source} order by {order})
        to {literal(target)} (format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})
        """
    )
    connection.execute(f"set threads = {threads[0] if threads else 1}")
    count = connection.execute(f"select count(*) from {source}").fetchone()
    return int(count[0]) if count else 0


def _shop(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[datetime, Prior]:
    row = connection.execute(
        f"select as_of, prior_rating, prior_weight from {literal(file)}"
    ).fetchone()
    if row is None or row[0] is None:
        raise NotReady(
            "the shop has no clock: marts.dim_shop is empty or its as_of is null",
            help="run 'recomart ingest' with data in it, then 'recomart transform'",
        )
    as_of, rating, weight = row
    prior = Prior(math.nan if rating is None else float(rating), float(weight))
    return as_of.replace(tzinfo=UTC), prior


def _digest(models: tuple[Model, ...], folder: Path) -> str:
    parts = [f"{model.name} {sha256_of(folder / f'{model.name}.parquet')}" for model in models]
    text = "\n".join([definition_digest(models), *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def _record(snapshot: Snapshot) -> str:
    prior = snapshot.prior
    content = {
        "hash": snapshot.hash,
        "shop": snapshot.shop,
        "as_of": snapshot.as_of.isoformat(),
        "published_at": snapshot.published_at.isoformat(),
        "rows": snapshot.rows,
        "prior_rating": None if math.isnan(prior.rating) else prior.rating,
        "prior_weight": prior.weight,
    }
    return json.dumps(content, indent=2) + "\n"


def _read(record: Path) -> Snapshot:
    content = json.loads(record.read_text(encoding="utf-8"))
    rating = content["prior_rating"]
    return Snapshot(
        folder=record.parent,
        hash=content["hash"],
        shop=content["shop"],
        as_of=datetime.fromisoformat(content["as_of"]),
        published_at=datetime.fromisoformat(content["published_at"]),
        rows=content["rows"],
        prior=Prior(math.nan if rating is None else rating, content["prior_weight"]),
    )


def _named_by_models(settings: Settings) -> set[str] | None:
    """Hashes in the tag `features_hash` of registered models; None when that cannot be told.

    A glance into MLflow's database: importing MLflow would cost four seconds.
    """
    database = settings.lake / "mlflow.db"
    if not database.exists():
        return set()
    query = "select value from model_version_tags where key = 'features_hash'"
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1.0)) as connection,
    ):
        return {value for (value,) in connection.execute(query)}
    return None
