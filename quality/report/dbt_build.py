"""What dbt's last run did: from the warehouse's own record, and from dbt's artifacts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from feature_store.dbt_manifest import MANIFEST, RUN_RESULTS, Manifest, artifacts, read_manifest
from feature_store.dbt_runs import DbtRun, Outcome
from feature_store.snapshots import current_snapshot
from quality.report.content import Content
from quality.report.quoting import plain, quoted
from recomart.errors import NothingPublished
from recomart.settings import Settings

BAD = ("error", "fail", "runtime error", "partial success")
CLAIM = 400
"""Characters of a test's claim that are kept."""


class TestCheck(Content):
    """A test that dbt ran over the whole warehouse."""

    name: str
    about: str
    words: str
    status: str


@dataclass(frozen=True)
class Failure:
    """A dbt model or test that failed, in plain words, and what dbt said about it."""

    name: str
    words: str
    said: str


@dataclass(frozen=True)
class Build:
    """dbt's last run that changed tables.

    Args:
        failed: how many models and tests failed, as the warehouse records it.
        never_empty: columns in which the build itself refuses nulls.
        published_at: when the features that the site serves were published.
    """

    state: Literal["never"] | Outcome
    started_at: datetime | None = None
    failures: tuple[Failure, ...] = ()
    failed: int = 0
    tests: tuple[TestCheck, ...] = ()
    never_empty: int = 0
    published_at: datetime | None = None


def read_build(runs: Sequence[DbtRun], settings: Settings) -> Build:
    """The last run, with the tests of the manifest.

    Args:
        runs: dbt's runs, newest first.
    """
    published_at = _published_at(settings)
    if not runs:
        return Build("never", published_at=published_at)
    manifest = _manifest(settings)
    results = _results(settings, runs[0].invocation)
    return Build(
        state=runs[0].outcome,
        started_at=runs[0].started_at,
        failures=tuple(_failures(manifest, results)),
        failed=runs[0].failures,
        tests=tuple(_tests(manifest, results)),
        never_empty=_never_empty(manifest),
        published_at=published_at,
    )


def _manifest(settings: Settings) -> Manifest | None:
    """The lake's manifest, or that of a dbt by hand; None when neither can be read."""
    for path in artifacts(settings, MANIFEST):
        try:
            return read_manifest(path)
        except (OSError, ValueError):
            continue
    return None


def _results(settings: Settings, invocation: str) -> Mapping[str, Any]:
    """The results of that run by node; {} when a later dbt command overwrote them."""
    for path in artifacts(settings, RUN_RESULTS):
        content = _read_json(path)
        if content and content["metadata"].get("invocation_id") == invocation:
            return {result["unique_id"]: result for result in content["results"]}
    return {}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _published_at(settings: Settings) -> datetime | None:
    try:
        return current_snapshot(settings).published_at
    except (NothingPublished, OSError, ValueError, KeyError):
        return None


def _tests(manifest: Manifest | None, results: Mapping[str, Any]) -> list[TestCheck]:
    tests = [
        TestCheck(
            name=plain(test.name),
            about=test.table,
            words=plain(test.claim, CLAIM),
            status=str(results.get(test.id, {}).get("status", "unknown")),
        )
        for test in (manifest.tests.values() if manifest else ())
    ]
    return sorted(tests, key=lambda test: (test.about, test.name))


def _failures(manifest: Manifest | None, results: Mapping[str, Any]) -> list[Failure]:
    failures = []
    for id, result in results.items():
        if str(result["status"]) not in BAD:
            continue
        test = manifest.tests.get(id) if manifest else None
        table = manifest.tables.get(id) if manifest else None
        node = test or table
        name = node.name if node else id.split(".")[-1]
        words = test.claim if test else f"The table {name} could not be built."
        said = _without_place(str(result.get("message") or "no message").strip())
        failures.append(Failure(plain(name), plain(words, CLAIM), quoted(said, 160)))
    return failures


def _without_place(message: str) -> str:
    """dbt's message without its first line, when that only repeats which node failed."""
    first, _, rest = message.partition("\n")
    return " ".join(rest.split()) if rest.strip() and first.rstrip().endswith(")") else message


def _never_empty(manifest: Manifest | None) -> int:
    return sum(
        column.not_null
        for table in (manifest.models if manifest else ())
        for column in table.columns.values()
    )
