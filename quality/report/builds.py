"""What dbt's last run did: from the warehouse's own record, and from dbt's artifacts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from quality.report.content import TestCheck
from quality.report.quoting import plain, quoted
from quality.report.reading import Reader
from quality.report.words import words_of_test
from recomart.project import DBT_PROJECT
from recomart.settings import Settings

BAD = ("error", "fail", "runtime error", "partial success")


@dataclass(frozen=True)
class Failure:
    """A dbt model or test that failed, in our words, and what dbt said of it."""

    name: str
    words: str
    said: str


@dataclass(frozen=True)
class Build:
    """dbt's last run. `state` is never, unfinished, failed, untested or passed."""

    state: str
    started_at: datetime | None = None
    failures: tuple[Failure, ...] = ()
    failed: int = 0
    tests: tuple[TestCheck, ...] = ()
    never_empty: int = 0
    published_at: datetime | None = None
    """When the features that the site serves were published."""
    runs: int = field(default=0, compare=False)


def read_build(reader: Reader, settings: Settings) -> Build:
    """The last run that changed tables, with the tests of its manifest."""
    runs = reader.rows(
        "select * from quality.dbt_runs order by started_at desc", needs="quality.dbt_runs"
    )
    published_at = _published_at(settings)
    if not runs:
        return Build("never", published_at=published_at)
    last = runs[0]
    state = "passed"
    if last["finished_at"] is None:
        state = "unfinished"
    elif last["failures"]:
        state = "failed"
    elif last["command"] != "build" or not last["complete"]:
        state = "untested"
    manifest = _artifact(settings, "manifest.json", None)
    results = _artifact(settings, "run_results.json", last["invocation_id"])
    statuses = {r["unique_id"]: r for r in results.get("results", ())}
    return Build(
        state,
        last["started_at"],
        tuple(_failures(manifest, statuses)),
        int(last["failures"] or 0),
        tuple(_tests(manifest, statuses)),
        _never_empty(manifest),
        published_at,
        len(runs),
    )


def _artifact(settings: Settings, name: str, invocation: str | None) -> dict[str, Any]:
    """dbt's artifact from the lake, or of a dbt by hand; {} when it is of another invocation."""
    folders = (settings.lake / "dbt", DBT_PROJECT / "target")
    for path in (folder / name for folder in folders):
        content = _read(path)
        if content and invocation in (None, content["metadata"].get("invocation_id")):
            return content
    return {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _published_at(settings: Settings) -> datetime | None:
    record = _read(settings.current_features / "snapshot.json")
    try:
        return datetime.fromisoformat(record["published_at"])
    except (KeyError, ValueError, TypeError):
        return None


def _tests(manifest: dict[str, Any], statuses: dict[str, Any]) -> list[TestCheck]:
    tests = [
        TestCheck(
            name=plain(node["name"]),
            about=_about(node),
            words=words_of_test(node),
            status=str(statuses.get(node["unique_id"], {}).get("status", "unknown")),
        )
        for node in manifest.get("nodes", {}).values()
        if node["resource_type"] == "test" and node.get("config", {}).get("enabled", True)
    ]
    return sorted(tests, key=lambda test: (test.about, test.name))


def _about(node: dict[str, Any]) -> str:
    return str(node.get("attached_node") or "").rpartition(".")[2]


def _failures(manifest: dict[str, Any], statuses: dict[str, Any]) -> list[Failure]:
    nodes = manifest.get("nodes", {})
    failures = []
    for unique_id, result in statuses.items():
        if str(result["status"]) not in BAD:
            continue
        node = nodes.get(unique_id, {"name": unique_id.split(".")[-1]})
        is_test = node.get("resource_type") == "test"
        words = words_of_test(node) if is_test else f"The table {node['name']} could not be built."
        said = _without_place(str(result.get("message") or "no message").strip())
        failures.append(Failure(plain(node["name"]), words, quoted(said, 160)))
    return failures


def _without_place(message: str) -> str:
    """dbt's message without its first line, when that only repeats which node failed."""
    first, _, rest = message.partition("\n")
    return " ".join(rest.split()) if rest.strip() and first.rstrip().endswith(")") else message


def _never_empty(manifest: dict[str, Any]) -> int:
    return sum(
        any(constraint.get("type") == "not_null" for constraint in column.get("constraints") or ())
        for node in manifest.get("nodes", {}).values()
        if node["resource_type"] == "model"
        for column in node.get("columns", {}).values()
    )
