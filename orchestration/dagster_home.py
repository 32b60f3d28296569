"""Dagster's own folder under the lake."""

from __future__ import annotations

from pathlib import Path

from recomart.files import replace_text
from recomart.lake import open_lake
from recomart.settings import Settings


def prepare(settings: Settings) -> Path:
    """Make `<lake>/dagster` with telemetry off, and return it: the value of DAGSTER_HOME."""
    home = open_lake(settings) / "dagster"
    replace_text(home / "dagster.yaml", "telemetry:\n  enabled: false\n")
    return home
