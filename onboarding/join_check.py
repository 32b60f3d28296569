"""Looking sampled records up in the files of a join, and those for which there is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.declaration import Declaration
from ingestion.lookup_table import LookupTable, joined
from ingestion.lookups import preview_tables
from onboarding.times import percent
from onboarding.values_check import numbered
from recomart.errors import RecoMartError, SourceError


@dataclass(frozen=True)
class Looked:
    """Sampled records with the columns of their lookups.

    Args:
        unmatched: for each lookup, how many of them it has nothing for, and examples of their keys.
    """

    table: pa.Table
    tables: tuple[LookupTable, ...] = ()
    unmatched: tuple[tuple[int, str], ...] = ()


def looked_up(declared: Declaration[Any], received: pa.Table, folder: Path) -> Looked:
    """Sampled records of a source, looked up in its joins.

    Args:
        folder: for temporary files.

    Raises:
        SourceError: a lookup cannot be taken.
    """
    tables = preview_tables(declared, folder)
    if not tables:
        return Looked(received)
    connection, places = numbered(received)
    found = joined(tables, places, "sampled")
    connection.execute(f"create or replace temp table looked as select * from {found.relation}")
    unmatched = []
    for table, is_found in zip(tables, found.found, strict=True):
        key = ", ".join(found.places[name] for name in table.keys)
        rows = connection.execute(
            f"select count(*), list(distinct concat_ws(', ', {key}))[:3] from looked where not {is_found}"
        ).fetchone()
        count, examples = rows or (0, [])
        unmatched.append((count, "; ".join(text or "no value" for text in examples or ())))
    listed = ", ".join(found.places.values())
    table = connection.execute(f"select {listed} from looked order by _record").to_arrow_table()
    return Looked(table.rename_columns(list(found.places)), tables, tuple(unmatched))


def problems(declared: Declaration[Any], looked: Looked, shown: str) -> Iterator[RecoMartError]:
    """A warning for each lookup that has nothing for some of the sampled records.

    Args:
        shown: what messages call the sample.
    """
    for table, (count, examples) in zip(looked.tables, looked.unmatched, strict=True):
        if count:
            share = percent(count / looked.table.num_rows)
            yield SourceError(
                f"{shown}: {table.shown} has nothing for {share} of the sampled records",
                code="unmatched-lookup",
                where=declared.where("join"),
                found=f"{', '.join(table.keys)}: {examples}",
                help="they have no value in the joined columns; add what is missing to the lookup",
                severity="warning",
            )
