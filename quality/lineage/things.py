"""Which thing a name means: every thing has a few names, and a name should mean one thing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from feature_store.derived import DERIVED_FEATURES
from feature_store.registered_models import SHA256
from feature_store.snapshots import LEAST_DIGITS
from quality.lineage.ledger import Load
from quality.lineage.project import Project
from quality.lineage.state import State
from recomart.errors import UnknownName
from recomart.files import sha256_of

MODEL, SNAPSHOT, PUBLISHED = "model", "snapshot", "published"
TABLE, COLUMN, FEATURE = "table", "column", "feature"
BATCH, FILE, LANDED, BYTES = "batch", "file", "landed", "sha256"
OF_LOADS = {BATCH: "batch_id", FILE: "source_file", LANDED: "landed_file", BYTES: "sha256"}
"""What a load has in common with its things."""

SHOWN = 8

_HEX = re.compile(f"[0-9a-f]{{{LEAST_DIGITS},64}}")


@dataclass(frozen=True)
class Thing:
    """A kind and a name that is unique in it; `kind:name` always means this thing."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def find_thing(state: State, name: str) -> Thing:
    """The one thing of this name.

    Args:
        name: `model:4`, `4` or an alias; a feature or `table.column`; a table; a snapshot's hash; a
            file by its path, its name, or the place where it landed; a batch; or the beginning of
            a sha256 or hash.

    Raises:
        UnknownName: nothing has this name, or several things have; says which are near.
    """
    names = _names(state)
    found = names.get(name) or _by_path(state, names, name) or _by_digits(state, name)
    if _is_one(state, found):
        return min(found, key=str)
    if found:
        listed = sorted(map(str, found))
        more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        raise UnknownName(
            f"'{name}' is the name of {len(listed)} things",
            found=", ".join(listed[:SHOWN]) + more,
            help="give one of these whole names",
        )
    near = get_close_matches(name, names, n=5, cutoff=0.6)
    raise UnknownName(
        f"nothing in this lake is called '{name}'",
        found=f"nearest: {', '.join(near)}" if near else None,
        help="a model version (champion, model:4), a feature, a table, a snapshot's hash, a file, "
        "a batch, or the beginning of a sha256",
    )


def loads_named(state: State, thing: Thing) -> tuple[Load, ...]:
    """The batches that a file, a batch or a sha256 stands for."""
    common = OF_LOADS[thing.kind]
    return tuple(load for load in state.loads if getattr(load, common) == thing.name)


def _is_one(state: State, found: set[Thing]) -> bool:
    """Whether these are one thing: also a file, a batch and bytes that stand for the same load."""
    if len(found) <= 1 or any(thing.kind not in OF_LOADS for thing in found):
        return len(found) == 1
    return len({loads_named(state, thing) for thing in found}) == 1


def _names(state: State) -> dict[str, set[Thing]]:
    """Every name but the beginnings of hashes."""
    names: dict[str, set[Thing]] = defaultdict(set)

    def give(thing: Thing, *more: str) -> None:
        for name in (str(thing), *more):
            names[name].add(thing)

    for model in state.models:
        give(Thing(MODEL, model.version), model.version, *model.aliases)
    for snapshot in state.snapshots:
        current = ("current",) if snapshot.hash == state.current else ()
        give(Thing(SNAPSHOT, snapshot.hash), snapshot.hash, *current)
        for table in snapshot.rows:
            file = f"{snapshot.hash}/{table}.parquet"
            give(Thing(PUBLISHED, file), file, str(snapshot.file(table)))
    for derived in DERIVED_FEATURES:
        give(Thing(FEATURE, derived), derived)
    _give_tables(state, state.project, give)
    for load in state.loads:
        give(Thing(BATCH, load.batch_id), load.batch_id)
        # an API's address has no file's name
        short = () if load.source == "api" else (Path(load.source_file).name,)
        give(Thing(FILE, load.source_file), load.source_file, *short)
        if load.landed_file:
            landed = state.settings.lake / load.landed_file
            give(Thing(LANDED, load.landed_file), load.landed_file, str(landed), landed.name)
        if load.sha256:
            give(Thing(BYTES, load.sha256))
    return names


def _give_tables(state: State, project: Project, give: Callable[..., None]) -> None:
    for table in project.tables.values():
        more = (table.raw, f"{table.schema}.{table.raw}") if table.raw else ()
        file = (f"{table.name}.parquet",) if table.published else ()
        give(Thing(TABLE, table.name), table.name, *more, *file)
        listed = set(table.columns)
        if state.columns is not None:
            listed |= {column for id, column in state.columns.followers if id == table.id}
        for column in listed:
            thing = Thing(COLUMN, f"{table.name}.{column}")
            # a feature's name is unique by itself, and Feast writes view:feature
            feature = table.services is not None and not _is_key(column)
            give(thing, thing.name, *((column, f"{table.name}:{column}") if feature else ()))


def _is_key(column: str) -> bool:
    return column in ("user_id", "product_id", "category", "event_timestamp", "created_at")


def _by_path(state: State, names: dict[str, set[Thing]], name: str) -> set[Thing]:
    """A file on disk: by the end of its path, or else by its bytes."""
    path = Path(name).expanduser()
    if not path.is_file():
        return set()
    place = path.resolve().as_posix()
    relative = place.removeprefix(state.settings.lake.as_posix() + "/")
    if found := names.get(relative) or names.get(place):
        return found
    ends = {
        Thing(FILE, load.source_file)
        for load in state.loads
        if place.endswith(f"/{load.source_file.lstrip('/')}")
    }
    if ends:
        return ends
    sha256 = sha256_of(path)
    return {Thing(BYTES, sha256)} if any(load.sha256 == sha256 for load in state.loads) else set()


def _by_digits(state: State, name: str) -> set[Thing]:
    """The beginning of a hash: of bytes that landed, a snapshot, a published file, a model."""
    digits = name.lower().removeprefix("sha256:").removeprefix("snapshot:")
    if not _HEX.fullmatch(digits):
        return set()
    landed = {load.sha256 for load in state.loads if load.sha256}
    found = {Thing(BYTES, sha256) for sha256 in landed if sha256.startswith(digits)}
    for snapshot in state.snapshots:
        if snapshot.hash.startswith(digits):
            found.add(Thing(SNAPSHOT, snapshot.hash))
        for table, sha256 in snapshot.files.items():
            if sha256.startswith(digits):
                found.add(Thing(PUBLISHED, f"{snapshot.hash}/{table}.parquet"))
    for model in state.models:
        if model.tags.get(SHA256, "").startswith(digits):
            found.add(Thing(MODEL, model.version))
    return found
