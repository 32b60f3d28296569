"""What trust costs: the time of validation, quarantine and reconciliation next to all other steps.

`python -m benchmarks.quality --rows 10000000`: a demo shop of that many events is ingested and
transformed, each in a process of its own, so that a peak of memory is its own. Then the seconds are
split:

- validation: the landing contracts of the ingest (pandera and ibis over each batch)
- quarantine: the models int_*__set_aside and quarantine_*. Staging is made of views, so the reject
  reasons of every row are computed in int_*__set_aside, where they are asked for, and count here
- flags, rules and reconciliation: the models int_rules__* and dq_*, and the tests on them
- other: the rest of the ingest, and all other models and tests

dbt's own start and compilation count nowhere. dbt runs two nodes at a time, so a node's seconds
contain some waiting for the other one, on both sides alike. The limits: quality is at most 30% of
the others, and each peak at most DuckDB's memory limit plus 500 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.results import write_result
from benchmarks.transform import EVENTS_AT_SCALE_1, limit_mb, measure_apart, peak_mb
from recomart.settings import PROJECT_ROOT, load_settings

LIMIT_SHARE = 0.30
SHOWN = 8


def group_of(name: str) -> str:
    """Which of the groups a dbt model belongs to, by its name."""
    if name.endswith("__set_aside") or name.startswith("quarantine_"):
        return "quarantine"
    if name.startswith(("dq_", "int_rules__")):
        return "reconciliation"
    return "other"


def split(manifest: dict[str, Any], results: list[dict[str, Any]]) -> tuple[Counter, Counter]:
    """Seconds by group and by node. A test belongs to quality when all that it reads does,
    staging aside."""
    groups: Counter[str] = Counter()
    nodes: Counter[str] = Counter()
    for result in results:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None:
            continue  # the hooks of a run
        seconds = result["execution_time"]
        nodes[node["name"]] = seconds
        read = [name.split(".")[-1] for name in node["depends_on"]["nodes"]]
        mine = {group_of(name) for name in read if not name.startswith("stg_")}
        if node["resource_type"] == "test":
            groups["reconciliation" if mine and "other" not in mine else "other"] += seconds
        else:
            groups[group_of(node["name"])] += seconds
    return groups, nodes


def ingest_once() -> dict[str, Any]:
    """One ingest in this process: its seconds, and those of its contracts."""
    from benchmarks.load import import_contract_libraries
    from ingestion.ingest import ingest
    from orchestration.catalogue import catalogue_for

    import_contract_libraries()
    with catalogue_for(load_settings()) as reachable:
        start = time.perf_counter()
        summary = ingest(reachable)
        seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "contracts": summary.contract_seconds,
        "peak_mb": peak_mb(),
        "records": sum(summary.records.values()),
    }


def measure(rows: int, lake: Path) -> dict[str, Any]:
    """Generate, ingest and transform in a lake (a kept one is transformed again), and split."""
    if not (lake / "warehouse.duckdb").exists():
        measure_apart("generate", rows / EVENTS_AT_SCALE_1, lake)
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.quality", "--child"],
            cwd=PROJECT_ROOT,
            env=os.environ | {"RECOMART_SHOP": "demo", "RECOMART_LAKE": str(lake)},
            stdout=subprocess.PIPE,
            check=True,
        )
        (lake / "ingest.json").write_bytes(child.stdout)
    ingested = json.loads((lake / "ingest.json").read_text())
    transformed = measure_apart("transform", rows / EVENTS_AT_SCALE_1, lake)
    manifest = json.loads((lake / "dbt" / "manifest.json").read_text())
    results = json.loads((lake / "dbt" / "run_results.json").read_text())["results"]
    groups, nodes = split(manifest, results)
    validation, quarantine = ingested["contracts"], groups["quarantine"]
    reconciliation = groups["reconciliation"]
    other = ingested["seconds"] - validation + groups["other"]
    quality = validation + quarantine + reconciliation
    mine = {name: s for name, s in nodes.most_common() if group_of(name) != "other"}
    return {
        "events": rows,
        "records": ingested["records"],
        "validation": round(validation, 1),
        "quarantine": round(quarantine, 1),
        "reconciliation": round(reconciliation, 1),
        "other": round(other, 1),
        "share": round(quality / other, 3),
        "ingest_peak_mb": ingested["peak_mb"],
        "transform_peak_mb": transformed["peak_mb"],
        "transform_seconds": transformed["seconds"],
        "slowest": {name: round(s, 1) for name, s in list(mine.items())[:SHOWN]},
    }


def main() -> int:
    """Print a table, keep the figures as JSON; 1 when a limit was passed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="Folder for lakes that stay.")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(ingest_once()))
        return 0
    limit = limit_mb(load_settings())
    with tempfile.TemporaryDirectory(prefix="recomart-quality-") as folder:
        run = measure(given.rows, (given.keep or Path(folder)).resolve() / f"{given.rows}")
    peak = max(run["ingest_peak_mb"], run["transform_peak_mb"])
    print(
        f"{run['records']:,} records ({given.rows:,} events), seconds:\n"
        f"  validation          {run['validation']:8.1f}   contracts at the landing\n"
        f"  quarantine          {run['quarantine']:8.1f}\n"
        f"  flags, rules, sums  {run['reconciliation']:8.1f}\n"
        f"  all other steps     {run['other']:8.1f}\n"
        f"  share               {run['share']:8.1%}   (at most {LIMIT_SHARE:.0%})\n"
        f"  peak memory         {peak:5,.0f} MB   (at most {limit:,.0f} MB; ingest "
        f"{run['ingest_peak_mb']:,}, transform {run['transform_peak_mb']:,})\n"
        f"  slowest of quality: {run['slowest']}"
    )
    print(f"figures in {write_result('quality', run | {'limit_mb': limit})}")
    return 1 if run["share"] > LIMIT_SHARE or peak > limit else 0


if __name__ == "__main__":
    sys.exit(main())
