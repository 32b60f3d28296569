"""Fixtures that more than one room's tests need."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from rich.console import Console

from recomart import processes
from recomart.locks import waiting_for
from recomart.settings import PROJECT_ROOT, Settings, load_settings

# The machines that run the tests are busy: no property fails because an example took long.
hypothesis_settings.register_profile("recomart", deadline=None)
hypothesis_settings.load_profile("recomart")

# A demo shop that is small, and the same on every day.
SMALL = {"shop": "demo", "scale": 0.2, "seed": 7, "end_date": "2026-03-31", "stream_seconds": 0}


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of the demo shop with an empty lake of their own; what they start is stopped."""
    loaded = load_settings(shop="demo", lake=tmp_path / "lake")
    yield loaded
    processes.stop_all(loaded)


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A small demo shop after all steps but the report: generated, ingested, built, published, trained.

    Read it, do not change it: all tests of a session share it, in all workers.
    """
    yield from _lake_after_all_steps(load_settings(lake=_lake(tmp_path_factory, "demo"), **SMALL))


@pytest.fixture(scope="session")
def movielens_lake(
    tmp_path_factory: pytest.TempPathFactory, data_folder: Path
) -> Iterator[Settings]:
    """MovieLens 100K after all steps. Read it, do not change it."""
    lake = _lake(tmp_path_factory, "movielens_100k")
    yield from _lake_after_all_steps(
        load_settings(shop="movielens_100k", lake=lake, data=data_folder)
    )


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of external data sets; a test that needs one that is not there says which."""
    folder = Path(os.environ.get("RECOMART_DATA", PROJECT_ROOT / "data"))
    if not (folder / "ml-100k" / "u.data").exists():
        pytest.skip(
            f"no MovieLens 100K under {folder}: set RECOMART_DATA to run the realdata tests"
        )
    return folder


def _lake(factory: pytest.TempPathFactory, name: str) -> Path:
    """A lake's place, the same for all workers of a session."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return shared / f"shared-{name}" / "lake"


def _lake_after_all_steps(settings: Settings) -> Iterator[Settings]:
    """The lake, built by the first worker that asks for it; the last one stops its Redis."""
    folder = settings.lake.parent
    lock, built, user = folder / "lock", folder / "built", folder / f"used-by-{os.getpid()}"
    with waiting_for(lock):
        user.touch()
        if not built.exists():
            _run_all_steps(settings)
            built.touch()
    yield settings
    with waiting_for(lock):
        user.unlink()
        if not list(folder.glob("used-by-*")):
            processes.stop_all(settings)


def _run_all_steps(settings: Settings) -> None:
    from orchestration.runner import run_steps
    from orchestration.steps import in_order
    from orchestration.terminal import Terminal

    screen = io.StringIO()
    steps = [step for step in in_order() if step.name != "report"]  # whoever wants one writes it
    outcome = run_steps(settings, steps, Terminal(Console(file=screen, width=200)))
    if not outcome.ok:
        processes.stop_all(settings)
        pytest.fail(screen.getvalue())
