"""Tables and queries of a database: PostgreSQL, MySQL, MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.declaration import Declaration
from ingestion.sources import Discovery, Fingerprint, Found, Memory, SourceKind
from ingestion.sources._database_keys import DatabaseSource

if TYPE_CHECKING:
    from ingestion.readers.reader import Reader

PREVIEW_ROWS = 1_000


class Databases(SourceKind[DatabaseSource]):
    """One object per table or query: all of its rows, or those from the newest cursor value on."""

    model = DatabaseSource
    place = "remote"

    def discover(self, declared: Declaration[DatabaseSource], memory: Memory) -> Discovery:
        from ingestion.sources._database import TableRead

        read = TableRead.of(declared, memory.position)
        found = Found(read.name, "parquet", partial=read.since is not None, handle=read)
        return Discovery((found,))

    def fingerprint(self, declared: Declaration[DatabaseSource], found: Found) -> Fingerprint:
        """How far the cursor has come: known when all rows were read."""
        return Fingerprint(position=found.handle.position)

    def open(self, declared: Declaration[DatabaseSource], found: Found) -> Iterator[bytes]:
        read: Any = found.handle
        return read.parquet()  # type: ignore[no-any-return]  # the module is imported when it is used

    def reader(self, source: DatabaseSource) -> Reader:
        from ingestion.readers.formats import FILE_FORMATS

        return FILE_FORMATS["parquet"]

    def preview(
        self, declared: Declaration[DatabaseSource], found: Found, folder: Path
    ) -> Path | None:
        """The first rows."""
        path = folder / f"{declared.entity}.parquet"
        path.write_bytes(b"".join(found.handle.parquet(limit=PREVIEW_ROWS)))
        return path


SOURCE = Databases()
