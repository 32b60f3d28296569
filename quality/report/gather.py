"""From the warehouse to the content of a report: reads everything, draws nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from quality.report.account import read_account
from quality.report.builds import Build, read_build
from quality.report.checks import (
    contract_checks,
    how_to_repeat,
    read_rules,
    rule_checks,
    versions,
)
from quality.report.content import FORMAT, Appendix, Batch, Report, Run
from quality.report.earlier import earlier_report, state_of, taken_back
from quality.report.ledger import failed_files, file_groups, read_batches
from quality.report.movement import moved_columns
from quality.report.profiles import read_profiles
from quality.report.quoting import plain
from quality.report.reading import Reader
from quality.report.trust import read_shop_clock, read_trust
from quality.report.verdict import judge, read_stops
from recomart.settings import Settings
from recomart.step import Progress
from recomart.warehouse import warehouse


def gather(settings: Settings, run_id: str, written_at: datetime, progress: Progress) -> Report:
    """The report of the warehouse as it stands.

    Raises:
        NotReady: there is no warehouse.
        WarehouseLocked: another process writes to it.
    """
    with warehouse(settings, read_only=True) as connection:
        reader = Reader(connection)
        state = state_of(reader)
        earlier, unreadable = earlier_report(settings, state)
        build = read_build(reader, settings)
        as_of = read_shop_clock(reader)
        batches = read_batches(reader, build.started_at)
        rules = read_rules(reader)
        account = read_account(
            reader,
            batches,
            failed_files(reader, batches),
            rules,
            earlier.account if earlier else None,
        )
        before = earlier.columns.profiles if earlier else None
        known = max((b.batch_id for b in earlier.appendix.batches), default="") if earlier else ""
        profiles = read_profiles(reader, before or (), known, progress)
        trust = read_trust(
            reader, account.sources, as_of, rules, earlier.trust if earlier else None
        )
        stops = read_stops(reader)
        appendix = _appendix(reader, settings, build, batches)
        title = _title(reader, settings)
    back = taken_back(batches, earlier.appendix.batches if earlier else ())
    verdict = judge(account, build, stops, trust.freshness, back, earlier)
    return Report(
        format=FORMAT,
        run=Run(
            run_id=run_id,
            shop=settings.shop_name,
            title=title,
            written_at=written_at,
            as_of=as_of,
            state=state,
            since_run=earlier.run.run_id if earlier else None,
            since_written_at=earlier.run.written_at if earlier else None,
            since=_since(earlier, unreadable),
        ),
        verdict=verdict,
        account=account,
        columns=moved_columns(profiles, before, account.reasons),
        trust=trust,
        appendix=appendix,
    )


def _title(reader: Reader, settings: Settings) -> str:
    row = reader.row(
        "select value from raw._shop where entity = '' and key = 'title'", needs="raw._shop"
    )
    return plain(row["value"] if row else settings.shop_name, 120)


def _since(earlier: Report | None, unreadable: int) -> str:
    if earlier is None:
        first = "First report of this lake: there is no earlier run to compare with."
        return f"{first} {unreadable} older could not be read." if unreadable else first
    moment = earlier.run.written_at.astimezone(UTC)
    return f"Changes are since run {plain(earlier.run.run_id, 40)} of {moment:%Y-%m-%d %H:%M} UTC."


def _appendix(
    reader: Reader, settings: Settings, build: Build, batches: tuple[Batch, ...]
) -> Appendix:
    notes = []
    if not reader.has("quality.dq_rules"):
        notes.append("The rules in words are not in the warehouse: no transform has written them.")
    if not build.tests:
        notes.append("dbt has left no list of its tests.")
    elif all(test.status == "unknown" for test in build.tests):
        notes.append("dbt's results of the last build were overwritten by a later dbt command.")
    files = file_groups(batches)
    if any(group.files > 1 for group in files):
        notes.append(
            "The digest of several files is the sha256 of their sha256, one a line, in the order "
            "of loading; report.json lists every file."
        )
    return Appendix(
        rules=rule_checks(reader),
        tests=build.tests,
        never_empty=build.never_empty,
        contracts=contract_checks(reader),
        files=files,
        batches=batches,
        versions=versions(),
        repeat=how_to_repeat(settings),
        notes=tuple(notes),
    )
