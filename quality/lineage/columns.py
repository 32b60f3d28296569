"""Lineage of single columns, and its page: made by dbt-colibri from dbt's artifacts, offline.

colibri 0.2 reads each model's compiled SQL with sqlglot, and sends nothing anywhere. It follows
values. What only decides which rows there are (joins, filters) it leaves out, and a count of rows
has no source in its eyes: so a column's lineage goes together with its table's.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from quality.lineage.project import Project, read_project
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
    followers: dict[Place, tuple[Place, ...]]

    def sources_of(self, table: str, column: str) -> tuple[Source, ...]:
        return self.sources.get(table, {}).get(column, ())

    def followers_of(self, table: str, column: str) -> tuple[Place, ...]:
        return self.followers.get((table, column), ())


def columns_page(settings: Settings, target: Path) -> Path:
    """Write the page of column lineage, one HTML file that needs no network, and return its path.

    What it shows is kept beside it for `walk` and `export`.

    Args:
        target: dbt's target folder after `dbt docs generate`.

    Raises:
        NotReady: dbt's manifest or catalogue is not there.
    """
    manifest, catalog = target / "manifest.json", target / "catalog.json"
    for needed in (manifest, catalog):
        if not needed.exists():
            raise NotReady(
                f"dbt has left no {needed.name}", where=str(needed), help="run 'recomart docs'"
            )
    from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor
    from dbt_colibri.report.generator import DbtColibriReportGenerator

    logging.getLogger("colibri").setLevel(logging.WARNING)
    with TemporaryDirectory() as made:
        extractor = DbtColumnLineageExtractor(str(manifest), str(catalog))
        DbtColibriReportGenerator(extractor).generate_report(output_dir=made)
        found = json.loads((Path(made) / _ASSET).read_text(encoding="utf-8"))
        html = (Path(made) / "index.html").read_text(encoding="utf-8")
    parents = found["lineage"]["parents"]
    record = {"project": read_project(manifest).digest, "parents": parents}
    page = settings.lineage / PAGE
    replace_text(page, html)
    replace_text(settings.lineage / RECORD, json.dumps(record, sort_keys=True) + "\n")
    return page


def read_columns(settings: Settings, project: Project) -> ColumnLineage | None:
    """The lineage of a project's columns; None when no page was made of this state of its code."""
    path = settings.lineage / RECORD
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["project"] != project.digest:
        return None
    sources = {
        table: {
            column: tuple(
                Source(s["dbt_node"], s["column"], s["lineage_type"] != "transformation")
                for s in _once(listed)
                if s["dbt_node"] in project.tables
            )
            for column, listed in columns.items()
        }
        for table, columns in record["parents"].items()
    }
    followers: dict[Place, list[Place]] = defaultdict(list)
    for table, columns in sources.items():
        for column, listed in columns.items():
            for source in listed:
                followers[source.table, source.column].append((table, column))
    return ColumnLineage(sources, {k: tuple(sorted(v)) for k, v in followers.items()})


def _once(listed: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each source once: colibri names it again for every way that leads to it, and a value that
    is computed with anywhere is not handed on as it is."""
    by_place: dict[Place, dict[str, str]] = {}
    for source in sorted(listed, key=lambda s: s["lineage_type"] == "transformation"):
        by_place[source["dbt_node"], source["column"]] = source
    return [by_place[place] for place in sorted(by_place)]
