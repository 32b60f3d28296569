"""The labels that features are asked for: a table in memory, or a Parquet file read in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast.infra.offline_stores import offline_utils

Labels: TypeAlias = pd.DataFrame | pa.Table | str | Path


@dataclass(frozen=True)
class EntityFrame:
    """Labels as Feast calls them: a row has the views' join keys and one event timestamp."""

    source: pa.Table | Path

    @property
    def schema(self) -> pa.Schema:
        if isinstance(self.source, pa.Table):
            return self.source.schema
        return pq.read_schema(self.source)

    @property
    def event_timestamp(self) -> str:
        """The column of the labels' times, by Feast's rule."""
        types = dict(self.schema.empty_table().to_pandas().dtypes)
        return offline_utils.infer_event_timestamp_from_entity_df(types)

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


def read_labels(entity_df: Labels) -> EntityFrame:
    """Labels from pandas, Arrow, or the path of a Parquet file, which is not read yet.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(entity_df, pa.Table):
        return EntityFrame(entity_df)
    if isinstance(entity_df, pd.DataFrame):
        return EntityFrame(pa.Table.from_pandas(_with_times(entity_df), preserve_index=False))
    if isinstance(entity_df, str | Path) and Path(entity_df).exists():
        return EntityFrame(Path(entity_df))
    raise ValueError(
        "labels are a pandas frame, an Arrow table or the path of a Parquet file; "
        f"found {str(entity_df)[:100]!r}"
    )


def _with_times(labels: pd.DataFrame) -> pd.DataFrame:
    """Event timestamps that came as text become times, as in Feast's own stores."""
    name = offline_utils.DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
    if name in labels and not pd.api.types.is_datetime64_any_dtype(labels[name]):
        return labels.assign(**{name: pd.to_datetime(labels[name], utc=True)})
    return labels
