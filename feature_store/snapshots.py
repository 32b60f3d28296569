"""Published snapshots, by their records: `<lake>/features/<hash>/snapshot.json`.

A snapshot's hash is of its content alone. The record also lists what the snapshot was made from: a
publish that gives equal bytes from other batches adds them, each with the time since when it is
among them. So the batches that a model learned from can be named, however often the same features
were published later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from feature_store.derived_feature import Prior
from feature_store.records import (
    DamagedRecord,
    Instant,
    RecordFormat,
    null_if_nan,
    number_or_nan,
)
from recomart.errors import NothingPublished, SnapshotDamaged, UnknownName
from recomart.files import sha256_of
from recomart.settings import Settings

RECORD = "snapshot.json"
MANIFEST = "manifest.json"
DEFINITIONS = "registry.db"
PUBLISH_LOCK = "publish"
"""The lock that a process takes to change what is published."""

LEAST_DIGITS = 4
"""Fewer characters of a hash name no snapshot."""


@dataclass(frozen=True)
class Batch:
    """A batch of raw data behind a snapshot: one landed file, or one page of an API.

    Args:
        source_file: as the source called it.
        landed_file: the bytes as received, relative to the lake.
        records, accepted: received, and of them those that became rows.
        since, until: the publications between which it was behind the snapshot, UTC; no `until`
            while it is.
    """

    batch_id: str
    entity: str
    source: str
    source_file: str
    landed_file: str
    sha256: str
    records: int
    accepted: int
    since: Instant
    until: Instant | None = None

    def behind_at(self, moment: datetime) -> bool:
        """Whether the publication of that moment was made from it."""
        return self.since <= moment and (self.until is None or self.until > moment)


@dataclass(frozen=True)
class Snapshot:
    """Tested features as they stood at `as_of`; all times are UTC.

    Args:
        published_at: for the first time; publishing equal bytes again does not change it.
        rows, schema, files: by model: the count (older versions of a row included), each
            column's type, the sha256 of the file.
        batches: all that ever were behind these bytes, in load order.
        batches_at: the publication that changed `batches` last.
        built: by model: the sha256 of its rows as dbt built them, before older versions joined.
        latest_as_of: of all publishes until then: a clock may be set back.
    """

    folder: Path
    hash: str
    shop: str
    as_of: datetime
    published_at: datetime
    rows: dict[str, int]
    prior: Prior
    schema: dict[str, dict[str, str]]
    files: dict[str, str]
    batches: tuple[Batch, ...]
    batches_at: datetime
    built: dict[str, str] = field(default_factory=dict)
    latest_as_of: datetime | None = None

    def file(self, model: str) -> Path:
        """The Parquet file of a model, through its snapshot's own folder."""
        return self.folder / f"{model}.parquet"

    def has_whole(self, model: str) -> bool:
        """Whether the file of a model is there with the bytes that were published."""
        file = self.file(model)
        try:
            return file.is_file() and sha256_of(file) == self.files.get(model)
        except OSError:
            return False  # a file that cannot be read has no bytes at all

    @property
    def manifest(self) -> Path:
        """dbt's manifest of the build."""
        return self.folder / MANIFEST

    @property
    def definitions(self) -> Path:
        """Feast's registry as it was applied with this snapshot."""
        return self.folder / DEFINITIONS

    def batches_behind(self, moment: datetime | None = None) -> tuple[Batch, ...]:
        """The batches of one publication: the one of that moment, or the last."""
        at = moment or self.batches_at
        return tuple(batch for batch in self.batches if batch.behind_at(at))

    def made_also_from(self, batches: Iterable[Batch], now: datetime) -> Snapshot:
        """The same bytes, published again from these batches; itself when nothing is new."""
        given = {(batch.batch_id, batch.sha256): batch for batch in batches}
        merged = []
        for batch in self.batches:
            again = given.pop((batch.batch_id, batch.sha256), None) if not batch.until else None
            if again is not None:
                merged.append(replace(again, since=batch.since))
            else:
                merged.append(batch if batch.until else replace(batch, until=now))
        merged += [replace(batch, since=now) for batch in given.values()]
        merged.sort(key=lambda batch: (batch.batch_id, batch.since))
        if tuple(merged) == self.batches:
            return self
        return replace(self, batches=tuple(merged), batches_at=now)

    def to_json(self) -> str:
        """The text of its record."""
        shared = {f.name: getattr(self, f.name) for f in fields(_Record) if hasattr(self, f.name)}
        record = _Record(
            **shared,
            told_to=self.latest_as_of,
            prior_rating=null_if_nan(self.prior.rating),
            prior_weight=self.prior.weight,
        )
        return _RECORD_FORMAT.write(record, indent=1) + "\n"


@dataclass(frozen=True)
class _Record:
    """A snapshot as `snapshot.json` has it. Fields with a default were not always written."""

    hash: str
    shop: str
    as_of: Instant
    published_at: Instant
    rows: dict[str, int]
    schema: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    batches: tuple[Batch, ...] = ()
    batches_at: Instant | None = None
    built: dict[str, str] | None = None
    told_to: Instant | None = None
    prior_rating: float | None = None
    prior_weight: float = 0.0


_RECORD_FORMAT = RecordFormat(_Record)


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in a folder.

    Raises:
        SnapshotDamaged: its record cannot be read.
    """
    try:
        record = _RECORD_FORMAT.read((folder / RECORD).read_bytes())
    except DamagedRecord as exc:
        raise SnapshotDamaged(
            f"{RECORD} of snapshot {folder.name} is not the record of a snapshot",
            where=str(folder / RECORD),
            found=str(exc),
            help="put the file back from a copy of the lake, or move the snapshot's folder away and "
            "run 'recomart publish'",
        ) from exc
    return Snapshot(
        folder=folder,
        hash=record.hash,
        shop=record.shop,
        as_of=record.as_of,
        published_at=record.published_at,
        rows=record.rows,
        prior=Prior(number_or_nan(record.prior_rating), record.prior_weight),
        schema=record.schema,
        files=record.files,
        built=record.files if record.built is None else record.built,
        batches=record.batches,
        batches_at=record.batches_at or record.published_at,
        latest_as_of=record.told_to or record.as_of,
    )


def current_snapshot(settings: Settings) -> Snapshot:
    """The snapshot that `<lake>/features/current` links to.

    Raises:
        NothingPublished: there is none.
    """
    if not (settings.current_features / RECORD).exists():
        raise NothingPublished(
            f"no tested features are published in {settings.features}",
            help="run 'make pipeline', or 'recomart transform' and 'recomart publish'",
        )
    return read_snapshot(settings.current_features.resolve())


def last_published(settings: Settings) -> Snapshot | None:
    """The snapshot that the next publish goes on from; None before the first.

    That is the snapshot of the last publish, also while an older one is restored: what is served
    then is old, but what is known is not.
    """
    for link in (settings.published_features, settings.current_features):
        if (link / RECORD).exists():
            return read_snapshot(link.resolve())
    return None


def snapshots(settings: Settings) -> tuple[Snapshot, ...]:
    """Every snapshot that is kept, the newest first."""
    found = [read_snapshot(folder) for folder in snapshot_folders(settings)]
    return tuple(sorted(found, key=lambda s: (s.published_at, s.hash), reverse=True))


def snapshot_folders(settings: Settings) -> list[Path]:
    """The folders of all snapshots; links and what is being written or removed left out."""
    folders = (record.parent for record in settings.features.glob(f"[!.]*/{RECORD}"))
    return sorted(folder for folder in folders if not folder.is_symlink())


def find_snapshot(settings: Settings, name: str) -> Snapshot:
    """The snapshot with this hash, or with the only hash that begins so.

    Raises:
        NothingPublished: there is no snapshot at all.
        UnknownName: none has the hash, or several begin so; says which are near.
    """
    folders = {folder.name: folder for folder in snapshot_folders(settings)}
    if not folders:
        current_snapshot(settings)
    fits = [hash for hash in folders if len(name) >= LEAST_DIGITS and hash.startswith(name)]
    if name in folders or len(fits) == 1:
        return read_snapshot(folders[name if name in folders else fits[0]])
    near = fits or get_close_matches(name, folders, n=3, cutoff=0.5)
    raise UnknownName(
        f"several snapshots begin with '{name}'" if fits else f"no snapshot has the hash '{name}'",
        where=str(settings.features),
        found=(f"{', '.join(near)}" if fits else f"nearest: {', '.join(near)}") if near else None,
        help="'recomart features history' lists those that are kept",
    )
