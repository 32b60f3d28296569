"""The gate before publishing: the warehouse's own record of dbt's last run, and its manifest.

The record is in the same file as the tables, so it holds for runs by hand and by the pipeline, for
a killed run, and for several lakes that share one dbt project.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from feature_store.dbt_manifest import MANIFEST, artifact_folders, artifacts, read_manifest
from feature_store.dbt_runs import read_runs
from recomart.errors import NotReady, TransformFailed
from recomart.settings import Settings

HELP = "run 'recomart transform', and publish after it has passed"


def require_tested(connection: duckdb.DuckDBPyConnection) -> str:
    """The invocation id of dbt's last run, which built and tested everything without an error.

    Raises:
        NotReady: dbt has not run on this warehouse, or its last run was cut off or was partial.
        TransformFailed: a model or test failed in it.
    """
    last = next(iter(read_runs(connection)), None)
    if last is None:
        raise NotReady("the warehouse has not been built and tested by dbt", help=HELP)
    run = f"dbt {last.command}, invocation {last.invocation}"
    if last.outcome == "unfinished":
        raise NotReady("dbt's last run did not end: tables may be half built", found=run, help=HELP)
    if last.outcome == "failed":
        raise TransformFailed(
            f"{last.failures} dbt node{'s' if last.failures > 1 else ''} failed in the last run; "
            "nothing was published",
            found=run,
            help=HELP,
        )
    if last.outcome == "untested":
        raise NotReady(
            "dbt's last run changed tables without testing everything", found=run, help=HELP
        )
    return last.invocation


def manifest_of(settings: Settings, invocation: str) -> Path:
    """The manifest of that run: the pipeline's in the lake, or dbt_project/target's for one by hand.

    A later `dbt docs generate` or `dbt parse` overwrites the manifest with one of the same
    project: then the newest there is, whose columns are checked against the tables anyway.

    Raises:
        NotReady: there is no manifest.
    """
    found = artifacts(settings, MANIFEST)
    if not found:
        raise NotReady(
            "dbt has left no manifest", where=str(artifact_folders(settings)[0]), help=HELP
        )
    newest_first = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    written_by_it = (p for p in newest_first if read_manifest(p).invocation == invocation)
    return next(written_by_it, newest_first[0])
