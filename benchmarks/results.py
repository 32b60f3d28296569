"""Where a benchmark keeps its figures: `benchmarks/results/<name>.json`."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

from recomart.files import replace_text

RESULTS = Path(__file__).parent / "results"


def write_result(name: str, figures: dict[str, Any]) -> Path:
    """Write the figures, and what they were measured on, as JSON; return the path."""
    machine = {"cpus": os.cpu_count(), "system": platform.system(), "machine": platform.machine()}
    path = RESULTS / f"{name}.json"
    replace_text(path, json.dumps({**figures, "measured_on": machine}, indent=2) + "\n")
    return path
