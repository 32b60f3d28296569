"""Demo shops of a given number of events: seconds and peak memory to ingest and to transform them.

`python -m benchmarks.transform --rows 1000000 10000000`. Each step runs in a process of its own, so
that a peak is its own; each size has a lake that is removed afterwards, unless --keep names a
folder for the lakes. A kept lake is only transformed again. dbt's unit tests are left out, as in
the pipeline. The limit is the configured memory limit of DuckDB plus 500 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.results import write_result
from recomart.settings import PROJECT_ROOT, Settings, load_settings

ROWS = [1_000_000, 10_000_000]
EVENTS_AT_SCALE_1 = 100_000
ALLOWANCE_MB = 500
SLOWEST = 5


def measure(step: str, scale: float) -> dict[str, Any]:
    """Run a step in this process: seconds without imports, peak resident MB, and the step's line."""
    from demo_shop import generate
    from ingestion.ingest import ingest
    from orchestration.catalogue import catalogue_for
    from orchestration.transform import transform

    settings = load_settings()
    start = time.perf_counter()
    if step == "generate":
        result = generate(settings, scale=scale)
    elif step == "ingest":
        with catalogue_for(settings) as reachable:
            start = time.perf_counter()
            result = ingest(reachable).result()
    else:
        result = transform(settings)
    seconds = time.perf_counter() - start
    figures = {
        "seconds": round(seconds, 1),
        "peak_mb": peak_mb(),
        "result": f"{result.count:,} {result.unit}",
    }
    return figures | ({"slowest": _slowest(settings)} if step == "transform" else {})


def peak_mb() -> int:
    """The most memory that this process has used, resident, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def _slowest(settings: Settings) -> dict[str, float]:
    """Seconds of the dbt nodes that took longest."""
    results = json.loads((settings.lake / "dbt" / "run_results.json").read_text())["results"]
    longest = sorted(results, key=lambda r: -r["execution_time"])[:SLOWEST]
    return {r["unique_id"].split(".", 2)[2]: round(r["execution_time"], 1) for r in longest}


def measure_apart(step: str, scale: float, lake: Path) -> dict[str, Any]:
    """`measure` in a process of its own."""
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.transform", "--step", step, "--scale", str(scale)],
        cwd=PROJECT_ROOT,
        env=os.environ | {"RECOMART_SHOP": "demo", "RECOMART_LAKE": str(lake)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(child.stdout)


def limit_mb(settings: Settings) -> float:
    """What a step may hold: DuckDB's limit and the allowance for Python, in MB."""
    found = re.fullmatch(r"\s*([\d.]+)\s*([KMGT]i?B)\s*", settings.memory_limit)
    if found is None:
        raise SystemExit(f"RECOMART_MEMORY_LIMIT: {settings.memory_limit!r} is not a size like 2GB")
    number, unit = found.groups()
    base = 1024 if "i" in unit else 1000
    return float(number) * base ** ("KMGT".index(unit[0]) + 1) / 1e6 + ALLOWANCE_MB


def main() -> int:
    """Print a table, keep the figures as JSON; 1 when a step went over its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transform", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--keep", type=Path, help="Folder for lakes that stay.")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--scale", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(measure(given.step, given.scale)))
        return 0
    limit = limit_mb(load_settings())
    print(f"{'events':>12} {'step':<10} {'seconds':>8} {'peak MB':>8} {'limit':>6}")
    runs = []
    with tempfile.TemporaryDirectory(prefix="recomart-bench-") as folder:
        for rows in given.rows:
            lake = (given.keep or Path(folder)).resolve() / f"{rows}"
            ready = (lake / "warehouse.duckdb").exists()
            run: dict[str, Any] = {"events": rows, "limit_mb": limit}
            for step in ("transform",) if ready else ("generate", "ingest", "transform"):
                run[step] = measure_apart(step, rows / EVENTS_AT_SCALE_1, lake)
                figures = run[step]
                print(
                    f"{rows:>12,} {step:<10} {figures['seconds']:>8.1f} {figures['peak_mb']:>8,} "
                    f"{limit:>6,.0f}",
                    flush=True,
                )
            print(f"{'':>12} slowest: {run['transform']['slowest']}", flush=True)
            runs.append(run)
    print(f"figures in {write_result('transform', {'runs': runs})}")
    over = [
        step
        for run in runs
        for step in ("generate", "ingest", "transform")
        if step in run and run[step]["peak_mb"] > limit
    ]
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
