"""Looking records up in other files, as SQL over tables that were made of these files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recomart.errors import SourceError
from recomart.sql import literal


@dataclass(frozen=True)
class LookupFile:
    """A landed file in which records are looked up.

    Args:
        source_file: its name, as of a batch's object.
        landed_file: its bytes as received, relative to the lake.
    """

    source_file: str
    landed_file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class LookupTable:
    """The records of a join's files: a Parquet file with a text per key (k0, ...) and value (v0, ...).

    Args:
        keys: the source's columns that equal k0, k1, ...
        columns: the names under which the mapping reads v0, v1, ...
        where: the place of the join in the shop file.
    """

    path: Path
    files: tuple[LookupFile, ...]
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    where: str

    @property
    def shown(self) -> str:
        """What messages call it."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0].source_file}{more}"


def identity(tables: Sequence[LookupTable]) -> str:
    """A hash of the bytes in which records are looked up; their names do not matter."""
    hashes = [sorted(file.sha256 for file in table.files) for table in tables]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Joined:
    """A relation with the columns of its lookups.

    Args:
        relation: SQL; it has a boolean column for each lookup: whether a record was found.
        places: the source's and the joined columns -> the SQL identifier that holds each.
        found: the boolean columns, in the order of the lookups.
    """

    relation: str
    places: dict[str, str]
    found: tuple[str, ...]


def joined(tables: Sequence[LookupTable], places: Mapping[str, str], relation: str) -> Joined:
    """A relation with the columns that it takes from lookups; null where nothing is found.

    A key that is null finds nothing.

    Raises:
        SourceError: a lookup brings a column that the records have themselves.
    """
    known, found = dict(places), list[str]()
    for number, table in enumerate(tables):
        if twice := [name for name in table.columns if name in known]:
            raise SourceError(
                f"the column {twice[0]} is in the file and comes from {table.shown}, too",
                code="two-columns",
                where=table.where,
                help="give the joined one another name: join: {columns: {name: its column}}",
            )
        equal = " and ".join(
            f"r.{known[name]} = l.k{place}" for place, name in enumerate(table.keys)
        )
        taken = {name: f"j{number}_{place}" for place, name in enumerate(table.columns)}
        values = "".join(f", l.v{place} as {name}" for place, name in enumerate(taken.values()))
        found.append(f"found_{number}")
        relation = (
            f"(select r.*{values}, l.k0 is not null as found_{number} from {relation} as r "
            f"left join read_parquet({literal(str(table.path))}) as l on {equal})"
        )
        known |= taken
    return Joined(relation, known, tuple(found))
