"""Generating the demo shop: time, peak memory and bytes by size.

`python -m benchmarks.generate --scales 1 10 100` (1 is 100,000 events). Each size runs in a process
of its own, in a lake that is removed afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.results import write_result
from demo_shop import generate
from demo_shop.source_data import MANIFEST
from recomart.settings import PROJECT_ROOT, load_settings

SCALES = [1.0, 10.0]


def measure(scale: float) -> dict[str, Any]:
    """Generate in this process; seconds without imports, peak resident MB, MB written, rows."""
    with tempfile.TemporaryDirectory(prefix="recomart-bench-") as folder:
        settings = load_settings(shop="demo", lake=Path(folder) / "lake")
        start = time.perf_counter()
        generate(settings, scale=scale)
        seconds = time.perf_counter() - start
        manifest = json.loads((settings.source_data / MANIFEST).read_text())
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {
        "scale": scale,
        "seconds": round(seconds, 1),
        "peak_mb": round(peak / 1e6),
        "written_mb": round(manifest["bytes"] / 1e6),
        "records": manifest["records"],
    }


def main() -> int:
    """Print a table, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("--scales", type=float, nargs="+", default=SCALES)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.scales[0])))
        return 0
    print(f"{'scale':>7} {'events':>12} {'seconds':>8} {'events/s':>10} {'peak MB':>8} {'MB':>7}")
    runs = []
    for scale in given.scales:
        run = _measure_apart(scale)
        runs.append(run)
        events = run["records"]["events"]
        print(
            f"{scale:>7g} {events:>12,} {run['seconds']:>8.1f} {events / run['seconds']:>10,.0f} "
            f"{run['peak_mb']:>8,} {run['written_mb']:>7,}"
        )
    print(f"figures in {write_result('generate', {'runs': runs})}")
    return 0


def _measure_apart(scale: float) -> dict[str, Any]:
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.generate", "--here", "--scales", str(scale)],
        cwd=PROJECT_ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(child.stdout)


if __name__ == "__main__":
    sys.exit(main())
