"""`make bench`: every benchmark in turn, each in a process of its own, at the sizes we quote."""

from __future__ import annotations

import subprocess
import sys

RUNS: tuple[tuple[str, ...], ...] = (
    ("benchmarks.load", "--rows", "5000000"),
    ("benchmarks.remote_sources", "--rows", "1000000"),
    ("benchmarks.generate", "--scales", "10", "100"),
    ("benchmarks.transform", "--rows", "1000000", "10000000"),
    ("benchmarks.quality", "--rows", "10000000"),
    ("benchmarks.complete_journey",),
    ("benchmarks.training_set",),
    ("benchmarks.point_in_time", "--cases", "200000x5", "10000x1440", "--rounds", "3"),
    ("benchmarks.publish_online", "--rows", "200000"),
    ("benchmarks.lookup",),
    ("benchmarks.realtime_lookup",),
    ("benchmarks.freshness",),
    ("benchmarks.scoring",),
    ("benchmarks.rmse",),
)


def main() -> None:
    """Run them all; exit with the names of those that failed."""
    failed = []
    for module, *arguments in RUNS:
        print(f"\n$ python -m {module} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, "-m", module, *arguments]).returncode:
            failed.append(module)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
