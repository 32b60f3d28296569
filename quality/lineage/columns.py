"""Lineage of single columns, and its page: made by dbt-colibri from dbt's artifacts, offline.

colibri 0.2 reads each model's compiled SQL with sqlglot, and sends nothing anywhere. It follows
values. What only decides which rows there are (joins, filters) it leaves out, and a count of rows
has no source in its eyes: so a column's lineage goes together with its table's.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from feature_store.dbt_manifest import MANIFEST, Manifest, Table, read_manifest
from recomart.errors import NotReady
from recomart.files import replace_text
from recomart.settings import Settings

PAGE, RECORD = "columns.html", "columns.json"
_ASSET = "colibri-manifest.json"

Place = tuple[str, str]
"""A column of a table: the table's id in dbt, and the column's name."""


@dataclass(frozen=True)
class Source:
    """A column that another one is computed from; `as_it_is` when its value is only handed on."""

    table: str
    column: str
    as_it_is: bool


@dataclass(frozen=True)
class ColumnLineage:
    """The columns that each column of each model is computed from, directly."""

    sources: dict[str, dict[str, tuple[Source, ...]]]

    @cached_property
    def read(self) -> frozenset[Place]:
        """The columns that any other column is computed from."""
        listed = (sources for columns in self.sources.values() for sources in columns.values())
        return frozenset((s.table, s.column) for sources in listed for s in sources)

    def sources_of(self, table: str, column: str) -> tuple[Source, ...]:
        """The columns that a column is computed from; none for a count of rows."""
        return self.sources.get(table, {}).get(column, ())

    def names_of(self, table: Table) -> set[str]:
        """The columns of a table: those that the project declares, and those that are read."""
        read = {name for id, name in self.read if id == table.id}
        return {*table.columns, *self.sources.get(table.id, {}), *read}


def columns_page(settings: Settings, target: Path) -> Path:
    """Write the page of column lineage, one HTML file that needs no network, and return its path.

    What it shows is also kept as JSON, for `walk` and `export`.

    Args:
        target: dbt's target folder after `dbt docs generate`.

    Raises:
        NotReady: dbt's manifest or catalogue is not there.
    """
    manifest, catalog = target / MANIFEST, target / "catalog.json"
    for needed in (manifest, catalog):
        if not needed.exists():
            raise NotReady(
                f"dbt has left no {needed.name}", where=str(needed), help="run 'recomart docs'"
            )
    from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor
    from dbt_colibri.report.generator import DbtColibriReportGenerator

    # models of features that the shop does not declare have no table, which is no error here
    logging.getLogger("colibri").setLevel(logging.CRITICAL)
    with TemporaryDirectory() as made:
        extractor = DbtColumnLineageExtractor(str(manifest), str(catalog))
        DbtColibriReportGenerator(extractor).generate_report(output_dir=made)
        found = json.loads((Path(made) / _ASSET).read_text(encoding="utf-8"))
        html = (Path(made) / "index.html").read_text(encoding="utf-8")
    parents = found["lineage"]["parents"]
    record = {"project": read_manifest(manifest).digest, "parents": parents}
    page = settings.lineage / PAGE
    replace_text(page, html)
    replace_text(settings.lineage / RECORD, json.dumps(record, sort_keys=True) + "\n")
    return page


def read_columns(settings: Settings, newest: Manifest) -> ColumnLineage | None:
    """The lineage of the columns of a project; None unless the page was made of the same code."""
    path = settings.lineage / RECORD
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["project"] != newest.digest:
        return None
    sources = {
        table: {
            column: tuple(
                Source(s["dbt_node"], s["column"], s["lineage_type"] != "transformation")
                for s in _once(listed)
                if s["dbt_node"] in newest.tables
            )
            for column, listed in columns.items()
        }
        for table, columns in record["parents"].items()
    }
    return ColumnLineage(sources)


def _once(listed: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each source once: colibri names it again for every way that leads to it, and a value that
    is computed with anywhere is not handed on as it is."""
    by_place: dict[Place, dict[str, str]] = {}
    for source in sorted(listed, key=lambda s: s["lineage_type"] == "transformation"):
        by_place[source["dbt_node"], source["column"]] = source
    return [by_place[place] for place in sorted(by_place)]
