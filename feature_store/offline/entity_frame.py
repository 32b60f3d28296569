"""The labels that features are asked for: a table in memory, or a Parquet file read in parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast.errors import EntityTimestampInferenceException
from feast.infra.offline_stores import offline_utils

from feature_store.bitemporal import EVENT_TIMESTAMP
from feature_store.keys import key_texts
from recomart.errors import InvalidLabels, did_you_mean

Labels: TypeAlias = pd.DataFrame | pa.Table | str | Path
_NUMBERS = ("integer", "floating", "mixed-integer", "mixed-integer-float", "decimal", "boolean")
"""What pandas would take for nanoseconds since 1970."""


@dataclass(frozen=True)
class EntityFrame:
    """Labels as Feast calls them: a row has the views' join keys and one event timestamp.

    Args:
        first_row: the number of the first row, where the labels are a part of others.
    """

    source: pa.Table | Path
    first_row: int = 0

    @property
    def schema(self) -> pa.Schema:
        if isinstance(self.source, pa.Table):
            return self.source.schema
        return pq.read_schema(self.source)

    @property
    def event_timestamp(self) -> str:
        """The column of the labels' times, by Feast's rule: `event_timestamp`, or the only times."""
        types = dict(self.schema.empty_table().to_pandas().dtypes)
        return offline_utils.infer_event_timestamp_from_entity_df(types)

    def check(self, keys: Sequence[str], features: Sequence[str]) -> None:
        """Check that the labels have what a join needs, and no more.

        Args:
            keys: the columns of the join keys.
            features: the columns that the result adds.

        Raises:
            InvalidLabels: a join key or the times are missing, the times are no times, or two
                columns of the result have one name.
        """
        names = self.schema.names
        found = ", ".join(names)
        for key in keys:
            if key not in names:
                raise InvalidLabels(
                    f"the labels have no column {key}, which is a join key of the features",
                    found=found,
                    help=f"{did_you_mean(key, names)}add the column {key}, or rename one to it",
                )
        _check_unique(names)
        for name in features:
            if name in names:
                raise InvalidLabels(
                    f"the labels' column {name} has the name of a feature",
                    found=found,
                    help="rename or drop it, or ask with full_feature_names=True: the result would "
                    "have two columns of this name",
                )
        try:
            kind = self.schema.field(self.event_timestamp).type
        except EntityTimestampInferenceException as exc:
            raise InvalidLabels(
                f"the labels have no column {EVENT_TIMESTAMP}, and no other times to take",
                found=found,
                help=f"add {EVENT_TIMESTAMP}: features are given as of this time",
            ) from exc
        if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind)):
            raise _no_times(self.event_timestamp, str(kind))

    def table(self) -> pa.Table:
        """All labels, in memory."""
        return self.source if isinstance(self.source, pa.Table) else pq.read_table(self.source)

    def parts(self, rows: int) -> Iterator[pa.Table]:
        """The labels in their order, at most `rows` at a time; one empty part when there are none."""
        if isinstance(self.source, pa.Table):
            for start in range(0, max(self.source.num_rows, 1), rows):
                yield self.source.slice(start, rows)
            return
        with pq.ParquetFile(self.source) as file:
            if not file.metadata.num_rows:
                yield self.schema.empty_table()
            for batch in file.iter_batches(rows):
                yield pa.Table.from_batches([batch])

    def between(self) -> tuple[datetime | None, datetime | None]:
        """The first and the last time; None for no labels."""
        name = self.event_timestamp
        table = self.source
        if isinstance(table, Path):
            table = pq.read_table(table, columns=[name])
        ends = pc.min_max(table[name]).as_py()
        return ends["min"], ends["max"]


def read_labels(entity_df: Labels, keys: Sequence[str]) -> EntityFrame:
    """Labels from pandas, Arrow, or the path of a Parquet file, which is not read yet.

    Args:
        keys: the columns of the join keys, where a NaN is a wrong key and not a null.

    Raises:
        InvalidKey: a join key of a pandas frame has no exact text.
        InvalidLabels: a pandas frame's times are numbers.
        ValueError: it is none of these.
    """
    if isinstance(entity_df, pa.Table):
        return EntityFrame(entity_df)
    if isinstance(entity_df, pd.DataFrame):
        _check_unique(list(entity_df.columns))
        labels = _with_keys(_with_times(entity_df), keys)
        return EntityFrame(pa.Table.from_pandas(labels, preserve_index=False))
    if isinstance(entity_df, str | Path) and Path(entity_df).exists():
        return EntityFrame(Path(entity_df))
    raise ValueError(
        "labels are a pandas frame, an Arrow table or the path of a Parquet file; "
        f"found {str(entity_df)[:100]!r}"
    )


def _with_times(labels: pd.DataFrame) -> pd.DataFrame:
    """Event timestamps that came as text become times, as in Feast's own stores."""
    name = offline_utils.DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
    if name not in labels or pd.api.types.is_datetime64_any_dtype(labels[name]):
        return labels
    if (kind := pd.api.types.infer_dtype(labels[name], skipna=True)) in _NUMBERS:
        raise _no_times(name, kind)
    return labels.assign(**{name: pd.to_datetime(labels[name], utc=True)})


def _with_keys(labels: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Keys that Arrow would change on the way: NaN would be a null, and what has several types fails."""
    for key in keys:
        if key not in labels:
            continue  # `EntityFrame.check` names it
        column = labels[key]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
            key_texts(column[column.isna()].head(1), key, rows=np.flatnonzero(column.isna()))
        elif column.dtype == object and pd.api.types.infer_dtype(column, skipna=False) != "string":
            texts = key_texts(column, key)
            if not _is_of_one_type(column):
                labels = labels.assign(**{key: pd.Series(texts, column.index, dtype=object)})
    return labels


def _check_unique(names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise InvalidLabels(
                f"the labels have {count} columns named {name}",
                found=", ".join(map(str, names)),
                help="rename or drop all but one",
            )


def _is_of_one_type(column: pd.Series) -> bool:
    """Whether Arrow has a type for all of its values; integers above 64 bits have none."""
    try:
        pa.Array.from_pandas(column)
    except (pa.ArrowException, OverflowError):
        return False
    return True


def _no_times(name: str, kind: str) -> InvalidLabels:
    return InvalidLabels(
        f"the labels' {name} is not a column of times",
        found=f"values of type {kind}",
        help="convert it: pd.to_datetime(..., unit='s', utc=True) for seconds since 1970",
    )
