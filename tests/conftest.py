"""Fixtures that more than one room's tests need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recomart import processes
from recomart.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of the demo shop with an empty lake of their own; what they start is stopped."""
    loaded = load_settings(shop="demo", lake=tmp_path / "lake")
    yield loaded
    processes.stop_all(loaded)
