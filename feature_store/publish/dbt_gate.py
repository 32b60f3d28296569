"""The gate before publishing: the warehouse's own record of dbt's last run, and its manifest.

dbt's hooks write `quality.dbt_runs` (macros/record_run.sql): a row when a run that changes tables
starts, its outcome when it ends. The record is in the same file as the tables, so it covers
runs by hand and by the pipeline, interrupted runs, and several lakes of one project.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from recomart.errors import NotReady, TransformFailed
from recomart.settings import PROJECT_ROOT, Settings

RUNS = "quality.dbt_runs"
HELP = "run 'recomart transform', and publish after it has passed"


def require_tested(connection: duckdb.DuckDBPyConnection) -> str:
    """The invocation id of dbt's last run, which built and tested everything without an error.

    Raises:
        NotReady: dbt has not run on this warehouse, or its last run was cut off or was partial.
        TransformFailed: a model or test failed in it.
    """
    recorded = connection.execute(
        "select 1 from information_schema.tables where table_schema || '.' || table_name = ?",
        [RUNS],
    ).fetchone()
    last = (
        recorded
        and connection.execute(
            f"""
        select invocation_id, command, complete, finished_at, failures
        from {RUNS} order by started_at desc limit 1
        """
        ).fetchone()
    )
    if not last:
        raise NotReady("the warehouse has not been built and tested by dbt", help=HELP)
    invocation, command, complete, finished_at, failures = last
    run = f"dbt {command}, invocation {invocation}"
    if finished_at is None:
        raise NotReady(
            "dbt's last run was interrupted: tables may be half built", found=run, help=HELP
        )
    if failures:
        raise TransformFailed(
            f"{failures} dbt node{'s' if failures > 1 else ''} failed in the last run; "
            "nothing was published",
            found=run,
            help=HELP,
        )
    if command != "build" or not complete:
        raise NotReady(
            "dbt's last run changed tables without testing everything", found=run, help=HELP
        )
    return str(invocation)


def manifest_of(settings: Settings, invocation: str) -> Path:
    """The manifest of that run: the pipeline's in the lake, or dbt_project/target's for one by hand.

    A later `dbt docs generate` or `dbt parse` overwrites the manifest with one of the same
    project: then the newest there is, whose columns are checked against the tables anyway.

    Raises:
        NotReady: there is no manifest.
    """
    folders = (settings.lake / "dbt", PROJECT_ROOT / "dbt_project" / "target")
    found = [path for folder in folders if (path := folder / "manifest.json").exists()]
    if not found:
        raise NotReady("dbt has left no manifest", where=str(folders[0]), help=HELP)
    newest_first = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first:
        metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        if metadata.get("invocation_id") == invocation:
            return path
    return newest_first[0]
