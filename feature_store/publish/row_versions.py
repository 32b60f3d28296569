"""What a publish adds to a history that was published before: versions, with their `created_at`.

dbt builds every history from scratch, from all that is known now, so a build does not say what was
known before. The last published file does, up to the latest `as_of` that was published. Up to there a
publish keeps all its rows as they are, and adds a version

- for each row of the build that the file lacks: it came late;
- for each row that has other values now;
- for each change point of the file that the build lacks: with the values that the build has there,
  or nulls when it has nothing there any more.

Each is known since this publish. Beyond that `as_of` the file only predicted how windows run
out if nothing else happens. There only the build's rows count, known since their event time.

So the newest versions agree with the build at any instant, and the versions known by some moment
agree with what was published then.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from feature_store.bitemporal import CREATED_AT, EVENT_TIMESTAMP, as_now_known
from feature_store.definitions.manifest import Model
from feature_store.definitions.registration import models_of
from feature_store.publish.tables import write_ordered
from feature_store.snapshots import Snapshot
from recomart.errors import SnapshotDamaged
from recomart.files import sha256_of
from recomart.settings import Settings
from recomart.sql import identifier, literal
from recomart.warehouse import apply_limits

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Added:
    """How many versions a publish adds to one history.

    Args:
        late: rows that are new.
        changed: rows that have other values now.
        vanished: change points that are none any more.
    """

    late: int
    changed: int
    vanished: int


def add_versions(
    settings: Settings,
    model: Model,
    built: Path,
    columns: dict[str, str],
    base: Snapshot,
    now: datetime,
) -> Added | None:
    """Turn the file of a build into the history to publish, in place.

    A build that says what the last publish says gives the very file that was published then.

    Args:
        built: the model's rows as dbt built them, as Parquet in the order of its key.
        columns: their types.
        base: what was published last.
        now: the time of this publish.

    Returns:
        What was added; None when the history starts again, because there is none with these
        columns. The log says why.
    """
    file = base.file(model.name)
    if reason := _starts_again(model, columns, base):
        log.warning("%s: the record of what was known when starts again: %s", model.name, reason)
        return None
    if sha256_of(built) == base.built.get(model.name):
        shutil.copyfile(file, built)
        return Added(0, 0, 0)
    with closing(duckdb.connect()) as connection:
        apply_limits(connection, settings)
        published_until = base.latest_as_of or base.as_of
        versions = _Versions(connection, model, tuple(columns), built, file, published_until)
        added = versions.find(now)
        merged = built.with_suffix(".merged")
        versions.write(merged)
        merged.replace(built)
    log.info("%s: %s", model.name, added)
    return added


def _starts_again(model: Model, columns: dict[str, str], base: Snapshot) -> str | None:
    """Why the last published history cannot be continued; None when it can."""
    try:
        before = {published.name: published for published in models_of(base)}.get(model.name)
    except SnapshotDamaged as exc:
        return f"{exc.where}: {exc.found}"
    if before is None or model.name not in base.files:
        return f"snapshot {base.hash} has no such history"
    if before.join_keys != model.join_keys:
        return f"its key was {', '.join(before.join_keys)}, and is {', '.join(model.join_keys)}"
    was = base.schema[model.name]
    if was != columns:
        differ = sorted(name for name in was | columns if was.get(name) != columns.get(name))
        changes = [f"{name} ({was.get(name, '-')} -> {columns.get(name, '-')})" for name in differ]
        return f"its columns differ: {', '.join(changes)}"
    if not base.has_whole(model.name):
        return f"{base.file(model.name)} is not the file that was published"
    return None


class _Versions:
    """The versions to add, as the table `added` of a connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        model: Model,
        columns: tuple[str, ...],
        built: Path,
        published: Path,
        published_until: datetime,
    ) -> None:
        self._connection = connection
        self._model = model
        self._columns = columns
        rows = f"read_parquet({literal(built)})"
        end = f"{EVENT_TIMESTAMP} <= timestamp {literal(published_until.replace(tzinfo=None))}"
        self._published = f"(from read_parquet({literal(published)}) where {end})"
        self._built_until, self._built_since = (
            f"(from {rows} where {part})" for part in (end, f"not {end}")
        )
        self._point = (*model.join_keys, EVENT_TIMESTAMP)
        self._features = [column.name for column, _ in model.features]

    def find(self, now: datetime) -> Added:
        """Fill `added`. No version is older than its event time, nor than the one it replaces."""
        event = f"built.{EVENT_TIMESTAMP}"
        points = " and ".join(
            f"built.{identifier(name)} = published.{identifier(name)}" for name in self._point
        )
        keys = " and ".join(
            f"built.{identifier(name)} = published.{identifier(name)}"
            for name in self._model.join_keys
        )
        differ = " or ".join(
            f"built.{identifier(name)} is distinct from published.{identifier(name)}"
            for name in self._features
        )
        values = self._listed("built", self._features)
        replaced = f"published.{CREATED_AT} + interval 1 microsecond"
        self._connection.execute(
            f"""
            create temp table added as
            with
                built as (from {self._built_until}),
                published as (from {as_now_known(self._published, self._model.join_keys)}),
                new_or_changed as (
                    select
                        {self._listed("built", self._point)},
                        if(published.{CREATED_AT} is null, 'late', 'changed') as what,
                        greatest($now, {event}, {replaced}) as {CREATED_AT},
                        {values}
                    from built
                    left join published on {points}
                    where published.{CREATED_AT} is null or {differ}
                ),
                points_without_row as (from published anti join built on {points}),
                vanished as (
                    select
                        {self._listed("published", self._point)},
                        'vanished' as what,
                        greatest($now, published.{EVENT_TIMESTAMP}, {replaced}) as {CREATED_AT},
                        {values}
                    from points_without_row as published
                    asof left join built
                        on {keys} and published.{EVENT_TIMESTAMP} >= {event}
                    where {differ}
                )
            from new_or_changed
            union all by name
            from vanished
            """,
            {"now": now.replace(tzinfo=None)},
        )
        counts = dict(
            self._connection.execute("select what, count(*) from added group by what").fetchall()
        )
        return Added(*(counts.get(what, 0) for what in Added.__dataclass_fields__))

    def write(self, target: Path) -> None:
        """What was published, what is added, and what continues, ordered by key and `created_at`."""
        columns = ", ".join(map(identifier, self._columns))
        parts = self._published, "added", self._built_since
        write_ordered(
            self._connection,
            " union all ".join(f"select {columns} from {part}" for part in parts),
            (*self._model.order_by, CREATED_AT),
            target,
        )

    @staticmethod
    def _listed(of: str, names: tuple[str, ...] | list[str]) -> str:
        return ", ".join(f"{of}.{identifier(name)}" for name in names)
