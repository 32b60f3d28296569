"""How fast a CSV loads: `ingest` against DuckDB's bare read_csv, in one run.

    python -m benchmarks.load --rows 5000000

`ingest` copies the file into the landing zone, hashes it, numbers its records, accounts for every
line, and commits rows and ledger in one transaction; its contracts are timed apart. Bare is
`create table as select * from read_csv(..., all_varchar=true)` into a new database. Both have the
same threads and memory limit, and take turns. Each ingest is a process of its own, so that its peak
of resident memory is its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from benchmarks.results import write_result
from recomart.settings import PROJECT_ROOT, Settings, load_settings
from recomart.warehouse import apply_limits

FLOOR = 0.40
"""The least share of the bare speed that ingest must reach."""

SHOP = """\
title: Load benchmark
as_of: data_end
ratings:
  files: ratings.csv
  columns: {user_id: user_id, product_id: product_id, rating: rating, rated_at: rated_at}
"""


@dataclass(frozen=True)
class LoadFigures:
    """Medians in seconds, and what follows from them."""

    rows: int
    file_bytes: int
    rounds: int
    threads: int
    memory_limit: str
    bare_seconds: float
    ingest_seconds: float
    """Landing, load and ledger, without contracts."""
    landing_seconds: float
    contract_seconds: float
    share_of_bare_speed: float
    peak_rss_mb: float
    """Of the whole ingest process, contracts included."""


def write_ratings(path: Path, rows: int) -> None:
    """A ratings CSV that is the same for the same number of rows."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                select 'u' || hash(i) % 200000 as user_id,
                    'p' || hash(i * 7) % 20000 as product_id,
                    1 + hash(i * 3) % 5 as rating,
                    strftime(timestamp '2020-01-01' + to_seconds(i * 20), '%Y-%m-%dT%H:%M:%SZ')
                        as rated_at
                from range({rows}) as numbers(i)
            ) to '{path}' (header)"""
        )


def bare(settings: Settings, ratings: Path, database: Path) -> float:
    """Seconds of the bare load into a new database."""
    database.unlink(missing_ok=True)
    started = time.perf_counter()
    with duckdb.connect(str(database)) as connection:
        apply_limits(connection, settings)
        connection.execute(
            f"create table ratings as select * from read_csv('{ratings}', all_varchar = true)"
        )
    return time.perf_counter() - started


def ingest_once() -> dict[str, float]:
    """One ingest in this process: its seconds, and the process's peak of resident memory."""
    from ingestion.ingest import ingest

    import_contract_libraries()
    started = time.perf_counter()
    summary = ingest(load_settings())
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds - summary.contract_seconds,
        "landing": summary.landing_seconds,
        "contracts": summary.contract_seconds,
        "records": sum(summary.records.values()),
        "peak_mb": peak / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    }


def import_contract_libraries() -> None:
    """Import what an ingest imports on first use, so that no import counts as loading."""
    for name in ("ibis", "pandera.ibis"):
        importlib.import_module(name)


def measure(rows: int, rounds: int, folder: Path) -> LoadFigures:
    """Bare and ingest in turns, `rounds` times, on one file of `rows` ratings in `folder`."""
    settings = load_settings(shop=str(folder / "bench.yml"), lake=folder / "lake")
    ratings = folder / "ratings.csv"
    write_ratings(ratings, rows)
    (folder / "bench.yml").write_text(SHOP)
    bare_seconds, ingests = [], []
    for _ in range(rounds):
        bare_seconds.append(bare(settings, ratings, folder / "bare.duckdb"))
        shutil.rmtree(settings.lake, ignore_errors=True)
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.load", "--child"],
            env={**os.environ, **settings.environment()},
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        ingests.append(json.loads(child.stdout))
        if ingests[-1]["records"] != rows:
            raise RuntimeError(f"{ingests[-1]['records']} records loaded, expected {rows}")
    medians = {key: statistics.median(one[key] for one in ingests) for key in ingests[0]}
    bare_median = statistics.median(bare_seconds)
    return LoadFigures(
        rows=rows,
        file_bytes=ratings.stat().st_size,
        rounds=rounds,
        threads=settings.threads,
        memory_limit=settings.memory_limit,
        bare_seconds=bare_median,
        ingest_seconds=medians["seconds"],
        landing_seconds=medians["landing"],
        contract_seconds=medians["contracts"],
        share_of_bare_speed=bare_median / medians["seconds"],
        peak_rss_mb=max(one["peak_mb"] for one in ingests),
    )


def main(arguments: list[str] | None = None) -> LoadFigures | None:
    """Measure, print a table, and write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        print(json.dumps(ingest_once()))
        return None
    with tempfile.TemporaryDirectory(prefix="recomart-load-") as folder:
        figures = measure(given.rows, given.rounds, Path(folder))
    path = write_result("load", asdict(figures))
    millions = figures.rows / 1e6
    print(
        f"{figures.rows:,} ratings, {figures.file_bytes / 1e6:,.0f} MB; medians of "
        f"{figures.rounds}; {figures.threads} threads, memory limit {figures.memory_limit}\n"
        f"  bare read_csv        {figures.bare_seconds:6.2f} s "
        f"{millions / figures.bare_seconds:6.2f} M rows/s\n"
        f"  ingest               {figures.ingest_seconds:6.2f} s "
        f"{millions / figures.ingest_seconds:6.2f} M rows/s\n"
        f"    of which landing   {figures.landing_seconds:6.2f} s\n"
        f"  contracts, apart     {figures.contract_seconds:6.2f} s\n"
        f"  share of bare speed  {figures.share_of_bare_speed:6.0%}  (at least {FLOOR:.0%})\n"
        f"  peak memory          {figures.peak_rss_mb:6,.0f} MB\n"
        f"written to {path.relative_to(PROJECT_ROOT)}"
    )
    if figures.share_of_bare_speed < FLOOR:
        sys.exit(f"below {FLOOR:.0%} of the bare speed")
    return figures


if __name__ == "__main__":
    main()
