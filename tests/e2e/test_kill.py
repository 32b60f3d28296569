"""A pipeline killed with -9 at random moments, then run again, ends in the same tables."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from recomart import processes
from recomart.settings import PROJECT_ROOT, Settings, load_settings

KILLS = 5
# Equal as the design defines it: without what names a run, and without times of its own.
OWN_TIMES = {"created_at", "received_at", "started_at", "finished_at", "checked_at", "reached_at"}
OWN_NAMES = {"batch_id", "landed_file"}
RUN_LOG = ("quality", "dbt_runs")  # a row per run, killed ones too
# The time by which records of the future are judged: that of the last run.
OWN_TIMES |= {"judged_at"}
# The question that the catalogue was asked last, and its tag: a run after a killed one may ask for
# news alone, where an undisturbed one asked for everything, and has the same products.
LAST_ASKED = {"url", "etag"}


def pipeline(settings: Settings, until: str) -> subprocess.Popen[bytes]:
    steps = ["generate", "ingest", "transform", "publish", "train"]
    code = (
        "from orchestration.runner import run_steps; from orchestration.steps import by_name;"
        "from orchestration.terminal import Terminal; from recomart.settings import load_settings;"
        f"names = {steps[: steps.index(until) + 1]!r};"
        "o = run_steps(load_settings(), [by_name(n) for n in names], Terminal());"
        "raise SystemExit(not o.ok)"
    )
    variables = settings.environment() | {
        "RECOMART_SCALE": str(settings.scale),
        "RECOMART_SEED": str(settings.seed),
        "RECOMART_END_DATE": str(settings.end_date),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def tables(warehouse: Path) -> dict[str, list[tuple]]:
    """Every table of the warehouse, ordered, without the columns that differ by run."""
    found = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables order by all"
        ).fetchall()
        names.remove(RUN_LOG)
        for schema, table in names:
            columns = [
                row[0]
                for row in connection.execute(
                    "select column_name from information_schema.columns"
                    " where table_schema = ? and table_name = ? order by ordinal_position",
                    [schema, table],
                ).fetchall()
                if not row[0].startswith("_") and row[0] not in OWN_TIMES | OWN_NAMES | LAST_ASKED
            ]
            if columns:
                listed = ", ".join(f'"{column}"' for column in columns)
                where = "where key <> 'judged_at'" if table == "_shop" else ""
                found[f"{schema}.{table}"] = connection.execute(
                    f'select {listed} from "{schema}"."{table}" {where} order by all'
                ).fetchall()
    return found


@pytest.mark.slow
def test_killed_at_random_moments_ends_in_the_tables_of_an_undisturbed_run(
    demo_lake: Settings, tmp_path: Path
) -> None:
    seed = int(os.environ.get("RECOMART_KILL_SEED", "20261122"))
    moments = random.Random(seed)
    settings = load_settings(
        lake=tmp_path / "lake",
        shop=demo_lake.shop,
        scale=demo_lake.scale,
        seed=demo_lake.seed,
        end_date=demo_lake.end_date,
    )
    try:
        for _ in range(KILLS):
            child = pipeline(settings, until="publish")
            time.sleep(moments.uniform(1.0, 15.0))
            child.send_signal(signal.SIGKILL)
            child.wait()
        final = pipeline(settings, until="publish")
        output = final.communicate(timeout=300)[0].decode()
        assert final.returncode == 0, output
    finally:
        processes.stop_all(settings)
    disturbed, undisturbed = tables(settings.warehouse), tables(demo_lake.warehouse)
    assert disturbed.keys() == undisturbed.keys()
    different = [name for name in undisturbed if disturbed[name] != undisturbed[name]]
    assert different == [], f"RECOMART_KILL_SEED={seed} repeats this"
