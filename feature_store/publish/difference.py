"""What differs between two published histories of a view: each entity's newest row, before and now.

Both files are in the order of the entities' keys, so one pass over the two finds every difference,
a stretch of keys at a time: no index, no state but the snapshots, and memory for one stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_store.bitemporal import CREATED_AT, EVENT_TIMESTAMP
from recomart.errors import SnapshotDamaged


@dataclass(frozen=True)
class ViewHistory:
    """A view's published history, looked at from an instant.

    Args:
        file: Parquet in the order of the join keys, with event_timestamp, created_at, features.
        as_of: with a time zone; rows of a later time are ignored.
    """

    file: Path
    as_of: datetime
    join_keys: tuple[str, ...]
    features: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        return [*self.join_keys, EVENT_TIMESTAMP, CREATED_AT, *self.features]


@dataclass(frozen=True)
class Stretch:
    """The difference within a range of keys.

    Args:
        newest: the entities' newest rows at `as_of`: keys, event_timestamp, features.
        changed: those of them that are new or have other values than before.
        gone: keys of the entities that existed before and no longer do.
        read: rows of the history behind it.
    """

    newest: pa.Table
    changed: pa.Table
    gone: pa.Table
    read: int


def difference(now: ViewHistory, before: ViewHistory | None) -> Iterator[Stretch]:
    """What differs, stretch by stretch; without a `before`, every entity is new.

    Raises:
        SnapshotDamaged: a file is not in the order of its keys.
    """
    if before is None:
        for rows in _stretches(now):
            latest = newest(rows, now)
            yield Stretch(latest, latest, latest.slice(0, 0).select(now.join_keys), rows.num_rows)
        return
    for rows, rows_before in _side_by_side(now, before):
        latest, old = newest(rows, now), newest(rows_before, before)
        places, gone = _matches(latest, old, now.join_keys)
        changed = latest.filter(_changed(latest, old, places))
        yield Stretch(latest, changed, old.filter(gone).select(now.join_keys), rows.num_rows)


def newest(rows: pa.Table, history: ViewHistory) -> pa.Table:
    """Each entity's newest row at `as_of`: the latest event, and the last created of its versions.

    A version that came later and has no feature at all says that the entity is gone.

    Args:
        rows: all of the entities' rows, in any order.

    Returns:
        Join keys, event_timestamp and features, in the order of the keys.
    """
    kept = [*history.join_keys, EVENT_TIMESTAMP, *history.features]
    instant = pa.scalar(history.as_of.replace(tzinfo=None), rows[EVENT_TIMESTAMP].type)
    rows = rows.filter(pc.less_equal(rows[EVENT_TIMESTAMP], instant)).combine_chunks()
    if rows.num_rows == 0:
        return rows.select(kept)
    order = [*history.join_keys, EVENT_TIMESTAMP, CREATED_AT]
    if not _in_order(rows, order):
        rows = rows.sort_by([(name, "ascending") for name in order])
    last = np.ones(rows.num_rows, dtype=bool)
    last[:-1] = reduce(np.logical_or, (_steps(rows[key], pc.not_equal) for key in order[:-2]))
    rows = rows.filter(pa.array(last))
    gone = pc.greater(rows[CREATED_AT], rows[EVENT_TIMESTAMP])
    for name in history.features:
        gone = pc.and_(gone, rows[name].is_null())
    return rows.select(kept).filter(pc.invert(gone))


def _side_by_side(now: ViewHistory, before: ViewHistory) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Both histories, cut at the same keys."""
    key = now.join_keys[0]
    sources = [_stretches(now), _stretches(before)]
    waiting: list[pa.Table] = [_empty(now), _empty(before)]
    ended = [False, False]
    while not all(ended):
        for side, source in enumerate(sources):
            if not ended[side] and waiting[side].num_rows == 0:
                rows = next(source, None)
                ended[side] = rows is None
                waiting[side] = waiting[side] if rows is None else rows
        # what is before the last key of each that goes on is complete on both sides
        ends = [rows[key][-1].as_py() for rows, end in zip(waiting, ended, strict=True) if not end]
        if not ends:
            break
        bound = min(ends)
        taken = []
        for side, rows in enumerate(waiting):
            count = pc.sum(pc.less_equal(rows[key], bound)).as_py() or 0
            taken.append(rows.slice(0, count))
            waiting[side] = rows.slice(count)
        yield taken[0], taken[1]
    yield waiting[0], waiting[1]


def _stretches(history: ViewHistory) -> Iterator[pa.Table]:
    """The file's rows, a row group or more at a time; the rows of a first key stay together."""
    key = history.join_keys[0]
    with pq.ParquetFile(history.file) as file:
        pending = _empty(history)
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=history.columns)
            rows = pa.concat_tables([pending, rows.select(history.columns)])
            if not np.all(_steps(rows[key].combine_chunks(), pc.less_equal)):
                raise SnapshotDamaged(
                    f"the rows are not in the order of {key}",
                    where=str(history.file),
                    help="run 'recomart publish' again: it writes the snapshot from scratch",
                )
            if rows.num_rows == 0:
                continue
            complete = pc.sum(pc.less(rows[key], rows[key][-1])).as_py()
            pending = rows.slice(complete)
            if complete:
                yield rows.slice(0, complete)
        if pending.num_rows:
            yield pending


def _matches(
    rows: pa.Table, old: pa.Table, join_keys: Sequence[str]
) -> tuple[pa.Array | None, pa.Array]:
    """For each row the place of its entity among the old ones; None when both have the same entities in the same order.

    Returns:
        (n) places, null for a new entity; (m) whether an old entity is gone.
    """
    if rows.num_rows == old.num_rows and all(rows[key].equals(old[key]) for key in join_keys):
        return None, pa.array(np.zeros(old.num_rows, dtype=bool))
    codes = np.zeros(rows.num_rows + old.num_rows, dtype=np.int64)
    for key in join_keys:
        both = pa.chunked_array([*rows[key].chunks, *old[key].chunks], rows[key].type)
        coded = both.combine_chunks().dictionary_encode()
        codes = codes * max(len(coded.dictionary), 1) + coded.indices.to_numpy()
    new_codes, old_codes = pa.array(codes[: rows.num_rows]), pa.array(codes[rows.num_rows :])
    gone = pc.invert(pc.is_in(old_codes, value_set=new_codes))
    return pc.index_in(new_codes, value_set=old_codes), gone


def _changed(rows: pa.Table, old: pa.Table, places: pa.Array | None) -> pa.Array:
    """(n) whether a row differs from the old one at its place; a null and a NaN are equal."""
    same = pa.array(np.ones(rows.num_rows, dtype=bool)) if places is None else places.is_valid()
    other = old if places is None else old.take(places)
    for name in rows.column_names:
        after, before = rows[name], other[name]
        equal = pc.fill_null(pc.equal(after, before), False)
        neither = pc.and_(_missing(after), _missing(before))
        same = pc.and_(same, pc.or_(equal, neither).combine_chunks())
    return pc.invert(same)


def _missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_null(values, nan_is_null=pa.types.is_floating(values.type))


def _in_order(rows: pa.Table, names: Sequence[str]) -> bool:
    """Whether rows are in the order of these columns, equal ones allowed."""
    undecided = np.ones(rows.num_rows - 1, dtype=bool)
    for name in names:
        if np.any(_steps(rows[name], pc.greater) & undecided):
            return False
        undecided &= _steps(rows[name], pc.equal)
    return True


def _steps(values: pa.Array | pa.ChunkedArray, compare: Callable[..., pa.Array]) -> np.ndarray:
    """(n - 1) what comparing each value with the next one gives."""
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if len(column) < 2:
        return np.zeros(0, dtype=bool)
    return np.asarray(compare(column[:-1], column[1:]).to_numpy(zero_copy_only=False))


def _empty(history: ViewHistory) -> pa.Table:
    schema = pq.read_schema(history.file)
    return pa.schema([schema.field(name) for name in history.columns]).empty_table()
