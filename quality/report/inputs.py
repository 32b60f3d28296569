"""What the pages of a report are read from: the warehouse, dbt's last run, and the last report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol, cast

from feature_store.dbt_runs import DbtRun
from feature_store.ledger import BatchRecord
from quality.report.batches import Batch, read_batches
from quality.report.content import C, Content, NamedContent
from quality.report.dbt_build import Build, read_build
from quality.report.report import Report
from quality.report.tables import Row, Tables
from recomart.errors import ExtensionError
from recomart.settings import Settings
from recomart.step import Progress


class Readable(NamedContent[C], Protocol[C]):
    """The part of a page that reads what it says."""

    def read(self, inputs: Inputs) -> C:
        """Read what the page says. It may ask for the content of another page."""
        ...


@dataclass
class Inputs:
    """What a page reads. Each part is read when a page first asks for it.

    Args:
        tables: the warehouse; some tables may be missing.
        loads: the ledger, in load order.
        runs: dbt's runs, newest first.
        state: a digest of the ledger and of dbt's runs: equal while nothing was loaded or built.
        earlier: the last report of another state; None for the first one.
        unreadable_reports: newer reports that could not be read.
    """

    settings: Settings
    tables: Tables
    progress: Progress
    loads: tuple[BatchRecord, ...]
    runs: tuple[DbtRun, ...]
    state: str
    earlier: Report | None
    unreadable_reports: int
    _contents: dict[str, Content] = field(default_factory=dict)
    _being_read: list[str] = field(default_factory=list)

    def content(self, page: Readable[C]) -> C:
        """What a page says now; read once.

        Raises:
            ExtensionError: pages ask for each other's content in a circle.
        """
        if page.name in self._being_read:
            circle = " -> ".join([*self._being_read, page.name])
            raise ExtensionError(
                "pages of the report ask for each other's content",
                found=circle,
                help="let one of them read the warehouse itself",
            )
        if page.name not in self._contents:
            self._being_read.append(page.name)
            self._contents[page.name] = page.read(self)
            self._being_read.remove(page.name)
        return cast(C, self._contents[page.name])

    def earlier_content(self, page: NamedContent[C]) -> C | None:
        """What the page said in the last report; None where there is none, or it lacks the page."""
        if self.earlier is None or page.name not in self.earlier.pages:
            return None
        return self.earlier.of(page)

    @cached_property
    def build(self) -> Build:
        """dbt's last run, with its tests."""
        return read_build(self.runs, self.settings)

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """Every batch of the ledger, with what became of its records."""
        return read_batches(self.tables, self.loads, self.build.started_at)

    @cached_property
    def rules(self) -> dict[str, Row]:
        """The rows of quality.dq_rules by '<entity>.<code>', by id; {} before they are there."""
        found = self.tables.rows(
            "select * from quality.dq_rules order by rule_id", needs="quality.dq_rules"
        )
        return {f"{row['entity']}.{row['code'] or row['rule_id']}": row for row in found}

    @cached_property
    def as_of(self) -> datetime | None:
        """The shop's clock, UTC; None before the first transform."""
        row = self.tables.row("select as_of from marts.dim_shop limit 1", needs="marts.dim_shop")
        return row["as_of"].replace(tzinfo=UTC) if row and row["as_of"] else None

    def shop_value(self, key: str, entity: str = "") -> Any:
        """What the shop file declares, as ingestion recorded it; None where it declares nothing."""
        row = self.tables.row(
            "select value from raw._shop where entity = ? and key = ?",
            [entity, key],
            needs="raw._shop",
        )
        return row["value"] if row else None


def state_of(loads: tuple[BatchRecord, ...], runs: tuple[DbtRun, ...]) -> str:
    """A digest of the ledger and of dbt's runs: equal while nothing was loaded or built."""
    loaded = [load.finished_at for load in loads if load.finished_at]
    ended = [run.finished_at for run in runs if run.finished_at]
    of_loads = {
        "n": len(loads),
        "last": max((load.batch_id for load in loads), default=None),
        "at": _naive(max(loaded, default=None)),
    }
    of_runs = runs and {
        "n": len(runs),
        "at": _naive(max(run.started_at for run in runs)),
        "ended": _naive(max(ended, default=None)),
    }
    return hashlib.sha256(repr((of_loads, of_runs or None)).encode()).hexdigest()[:16]


def _naive(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=None)
