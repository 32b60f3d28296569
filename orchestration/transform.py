"""dbt in this process: `dbt build` without unit tests, and the static docs page."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feature_store.dbt_tests import STOP_TEST
from ingestion.shop_file import load_shop
from orchestration.dbt_folder import project_folder, target_path
from recomart.errors import RecoMartError, TransformFailed
from recomart.project import DBT_PROJECT
from recomart.settings import TELEMETRY_OFF, Settings
from recomart.step import Progress, StepResult, no_progress
from recomart.warehouse import locked_error, warehouse

SHOWN_FAILURES = 5
ONLY_SOME_SHOPS = {"filtered", "cancelled"}
"""Outcomes of records that most shops do not have."""

log = logging.getLogger(__name__)


def transform(settings: Settings, progress: Progress = no_progress) -> StepResult:
    """Build and test every model of the warehouse with the current rules of the shop file.

    Raises:
        ShopFileError: the shop file is wrong.
        TransformFailed: a model or test failed; gives its name, its message and its SQL file.
        WarehouseLocked: another process has the warehouse open.
        NotReady: nothing was ingested.
    """
    from ingestion.ingest import declare

    declare(settings)
    done = Counter[str]()

    def watch(event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogTestResult"):
            done["nodes"] += 1
            total = getattr(event.data, "total", 0) or getattr(event.data, "num_models", 0)
            progress(event.data.node_info.node_name, done["nodes"], total)

    results = _invoke(settings, ["build", "--exclude", "resource_type:unit_test"], watch).results
    kinds = Counter(str(r.node.resource_type.value) for r in results)
    warned = sum(1 for r in results if str(r.status) == "warn")
    parts = [f"{kinds['test'] - warned} tests ✔"]
    if warned:
        parts.append(f"{warned} warning{'s' if warned > 1 else ''}")
    parts += [f"{count:,} {name}" for name, count in _account(settings).items()]
    return StepResult(kinds["model"], "models", " · ".join(parts))


def _account(settings: Settings) -> dict[str, int]:
    """How many records were accepted, quarantined and so on, from the tested reconciliation."""
    names = ("accepted", "quarantined", "deduplicated", "superseded", "filtered", "cancelled")
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in names)
    with warehouse(settings, read_only=True) as connection:
        row = connection.execute(f"select {sums} from quality.dq_reconciliation").fetchone()
    counts = dict(zip(names, row or (), strict=True))
    return {name: n for name, n in counts.items() if n or name not in ONLY_SOME_SHOPS}


def parse(settings: Settings) -> None:
    """Write dbt's manifest without opening the warehouse."""
    _invoke(settings, ["parse"], lambda event: None)


def docs(settings: Settings) -> Path:
    """Write dbt's documentation with its lineage graph as one HTML file, and return its path."""
    _invoke(settings, ["docs", "generate", "--static"], lambda event: None)
    page = settings.lineage / "dbt_docs.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    (target_path(settings) / "static_index.html").replace(page)
    return page


def _invoke(settings: Settings, command: list[str], watch: Callable[[Any], None]) -> Any:
    from dbt.cli.main import dbtRunner

    argv = [
        *command,
        *("--project-dir", str(project_folder(settings)), "--profiles-dir", str(DBT_PROJECT)),
        *("--target-path", str(target_path(settings)), "--log-path", str(settings.logs)),
        *("--log-level", "none", "--log-level-file", "info", "--no-use-colors"),
    ]
    with _environment(settings):
        outcome = dbtRunner(callbacks=[watch]).invoke(argv)
        _release_warehouse()
    if not outcome.success:
        raise _failure(settings, outcome)
    return outcome.result


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(settings.environment() | TELEMETRY_OFF)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _release_warehouse() -> None:
    """Close the file, which dbt-duckdb keeps open after an invocation, and so locked."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def _failure(settings: Settings, outcome: Any) -> RecoMartError:
    text = str(outcome.exception or "")
    if "Conflicting lock" in text:
        return locked_error(settings, text)
    dbt_log = str(settings.logs / "dbt.log")
    failed = [
        result
        for result in getattr(outcome.result, "results", ())
        if str(result.status) in ("error", "fail")
    ]
    for result in failed:
        log.error("%s %s: %s", result.status, result.node.unique_id, result.message)
    if not failed:
        return TransformFailed(
            "dbt could not run", where=dbt_log, found=text.strip()[:2000] or None
        )
    if STOP_TEST in {result.node.name for result in failed} and len(failed) == 1:
        return _stopped(settings)
    shown = [f"{r.node.name}: {_first_line(r.message)}" for r in failed[:SHOWN_FAILURES]]
    if len(failed) > SHOWN_FAILURES:
        shown.append(f"... and {len(failed) - SHOWN_FAILURES} more")
    first = failed[0].node
    return TransformFailed(
        f"{len(failed)} dbt node{'s' if len(failed) > 1 else ''} failed; nothing was published",
        where=str((project_folder(settings) / first.original_file_path).resolve()),
        found="\n         ".join(shown),
        help=f"run 'recomart dbt build --select {first.name}', and look at {dbt_log}",
    )


def _stopped(settings: Settings) -> TransformFailed:
    """The error for a share of bad rows above the shop's limit. dbt itself only says `1 result`."""
    with warehouse(settings, read_only=True) as connection:
        stops = connection.execute(
            "select rule_id, share, stop_above, words from quality.dq_stops order by share desc"
        ).fetchall()
    shown = [
        f"{rule}: {words} ({share:.1%}; the shop allows {limit:.1%})"
        for rule, share, limit, words in stops[:SHOWN_FAILURES]
    ]
    return TransformFailed(
        "too many records break a rule of the shop; nothing was published",
        code="stopped-by-rule",
        where=load_shop(settings).where("rules"),
        found="\n         ".join(shown),
        help="see 'recomart quarantine' and the report; fix the data and ingest it again, or change "
        "the rule or its stop_above, and run 'recomart transform'",
    )


def _contract_mismatches(lines: list[str]) -> list[str]:
    """The columns in which a model differs from its contract, out of the table that dbt prints."""
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    if not table or table[0][-1] != "mismatch_reason":
        return []
    reasons = {
        "missing in definition": "declared in the YAML, but not in the SQL",
        "missing in contract": "in the SQL, but not declared in the YAML",
    }
    return [
        f"{name} is {reasons.get(reason, f'of type {found}, and declared as {declared}')}"
        for name, found, declared, reason in table[2:]
    ]


def _first_line(message: str | None) -> str:
    lines = [line.strip() for line in (message or "no message").splitlines() if line.strip()]
    if mismatches := _contract_mismatches(lines):
        return f"the SQL and the YAML differ in their columns: {'; '.join(mismatches)}"
    return " ".join(lines[:3])[:200]
