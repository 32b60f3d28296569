"""Which asset a name means: every asset has a few names, and a name should mean one asset."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from feature_store.derivation import DERIVED_FEATURES
from feature_store.ledger import BatchRecord
from feature_store.registered_models import SHA256
from feature_store.snapshots import LEAST_DIGITS
from quality.lineage.records import Records
from recomart.errors import UnknownName
from recomart.files import sha256_of

MODEL, SNAPSHOT, PUBLISHED = "model", "snapshot", "published"
TABLE, COLUMN, FEATURE = "table", "column", "feature"
BATCH, FILE, LANDED, BYTES = "batch", "file", "landed", "sha256"
LOAD_FIELDS = {BATCH: "batch_id", FILE: "source_file", LANDED: "landed_file", BYTES: "sha256"}
"""The field of a load that holds the name, for the kinds of assets that are loads."""

SHOWN = 8

_KEYS = ("user_id", "product_id", "category", "event_timestamp", "created_at")
_HEX = re.compile(f"[0-9a-f]{{{LEAST_DIGITS},64}}")


@dataclass(frozen=True)
class Asset:
    """Something whose lineage can be asked for; `kind:name` always means this asset.

    Args:
        kind: MODEL, SNAPSHOT, PUBLISHED, TABLE, COLUMN, FEATURE, BATCH, FILE, LANDED or BYTES.
        name: unique within its kind.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def find_asset(records: Records, name: str) -> Asset:
    """The one asset of this name.

    Args:
        name: `model:4`, `4` or an alias; a feature or `table.column`; a table; a snapshot's hash; a
            file by its path, its name, or the place where it landed; a batch; or the beginning of
            a sha256 or hash.

    Raises:
        UnknownName: nothing has this name, or several assets have; names the nearest ones.
    """
    names = _names(records)
    found = names.get(name) or _by_path(records, names, name) or _by_digits(records, name)
    if _is_one(records, found):
        return min(found, key=str)
    if found:
        listed = sorted(map(str, found))
        more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        raise UnknownName(
            f"'{name}' is ambiguous: {len(listed)} assets have this name",
            found=", ".join(listed[:SHOWN]) + more,
            help="give one of these full names",
        )
    near = get_close_matches(name, names, n=5, cutoff=0.6)
    raise UnknownName(
        f"nothing in this lake is called '{name}'",
        found=f"nearest: {', '.join(near)}" if near else None,
        help="a model version (champion, model:4), a feature, a table, a snapshot's hash, a file, "
        "a batch, or the beginning of a sha256",
    )


def loads_named(records: Records, asset: Asset) -> tuple[BatchRecord, ...]:
    """The batches of a file, a batch id or a sha256."""
    field = LOAD_FIELDS[asset.kind]
    return tuple(load for load in records.loads if getattr(load, field) == asset.name)


def _is_one(records: Records, found: set[Asset]) -> bool:
    """Whether these are one asset: also a file, a batch and a sha256 that mean the same load."""
    if len(found) <= 1 or any(asset.kind not in LOAD_FIELDS for asset in found):
        return len(found) == 1
    return len({loads_named(records, asset) for asset in found}) == 1


def _names(records: Records) -> dict[str, set[Asset]]:
    """Every name, except the beginnings of hashes."""
    names: dict[str, set[Asset]] = defaultdict(set)

    def add(asset: Asset, *more: str) -> None:
        for name in (str(asset), *more):
            names[name].add(asset)

    for model in records.models:
        add(Asset(MODEL, model.version), model.version, *model.aliases)
    for snapshot in records.snapshots:
        current = ("current",) if snapshot.hash == records.current else ()
        add(Asset(SNAPSHOT, snapshot.hash), snapshot.hash, *current)
        for table in snapshot.rows:
            file = f"{snapshot.hash}/{table}.parquet"
            add(Asset(PUBLISHED, file), file, str(snapshot.file(table)))
    for derived in DERIVED_FEATURES:
        add(Asset(FEATURE, derived), derived)
    _add_tables(records, add)
    for load in records.loads:
        add(Asset(BATCH, load.batch_id), load.batch_id)
        # the address of an API does not end in a file's name
        short = () if load.source == "api" else (Path(load.source_file).name,)
        add(Asset(FILE, load.source_file), load.source_file, *short)
        if load.landed_file:
            landed = records.settings.lake / load.landed_file
            add(Asset(LANDED, load.landed_file), load.landed_file, str(landed), landed.name)
        if load.sha256:
            add(Asset(BYTES, load.sha256))
    return names


def _add_tables(records: Records, add: Callable[..., None]) -> None:
    for table in records.manifest.tables.values():
        more = (table.source, f"{table.schema}.{table.source}") if table.source else ()
        file = (f"{table.name}.parquet",) if table.is_published else ()
        add(Asset(TABLE, table.name), table.name, *more, *file)
        for column in records.columns.names_of(table) if records.columns else table.columns:
            asset = Asset(COLUMN, f"{table.name}.{column}")
            # a feature's name is unique by itself, and Feast writes view:feature
            is_feature = table.services is not None and column not in _KEYS
            add(asset, asset.name, *((column, f"{table.name}:{column}") if is_feature else ()))


def _by_path(records: Records, names: dict[str, set[Asset]], name: str) -> set[Asset]:
    """A file on disk: by the end of its path, or else by its bytes."""
    path = Path(name).expanduser()
    if not path.is_file():
        return set()
    place = path.resolve().as_posix()
    relative = place.removeprefix(records.settings.lake.as_posix() + "/")
    if found := names.get(relative) or names.get(place):
        return found
    ends = {
        Asset(FILE, load.source_file)
        for load in records.loads
        if place.endswith(f"/{load.source_file.lstrip('/')}")
    }
    if ends:
        return ends
    sha256 = sha256_of(path)
    return {Asset(BYTES, sha256)} if any(x.sha256 == sha256 for x in records.loads) else set()


def _by_digits(records: Records, name: str) -> set[Asset]:
    """The beginning of a hash: of bytes that landed, a snapshot, a published file, a model."""
    digits = name.lower().removeprefix("sha256:").removeprefix("snapshot:")
    if not _HEX.fullmatch(digits):
        return set()
    landed = {load.sha256 for load in records.loads if load.sha256}
    found = {Asset(BYTES, sha256) for sha256 in landed if sha256.startswith(digits)}
    for snapshot in records.snapshots:
        if snapshot.hash.startswith(digits):
            found.add(Asset(SNAPSHOT, snapshot.hash))
        for table, sha256 in snapshot.files.items():
            if sha256.startswith(digits):
                found.add(Asset(PUBLISHED, f"{snapshot.hash}/{table}.parquet"))
    for model in records.models:
        if model.tags.get(SHA256, "").startswith(digits):
            found.add(Asset(MODEL, model.version))
    return found
