"""One ingest that kills its own process with -9 at a moment: what test_load_killed.py runs.

Run by runpy with `settings`, `moment` and `after` (which call of that moment) as globals.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from ingestion import execute, landing, ledger, plan, shop_table
from ingestion.ingest import ingest

MOMENTS = {
    "landing": (landing, "fsync_folder"),
    "landed": (landing.LandingZone, "land"),
    "rows": (ledger, "write_rejects"),
    "ledger": (ledger, "write_batches"),
    "loaded": (execute, "load_batches"),
    "never": (shop_table, "write_shop"),
}
BEFORE = ("landing", "ledger")
"""Moments that come before the call; the others come after it."""


def kill_at(moment: str, after: int) -> None:
    """Arrange for a kill -9 of this process at the call number `after` of a moment."""
    owner, name = MOMENTS[moment]
    real = getattr(owner, name)
    calls = 0

    def killing(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == after and moment in BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **named)
        if calls == after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, killing)


told = globals()
if "settings" in told:
    plan.GROUP_FILES = 2
    kill_at(told["moment"], told["after"])
    ingest(told["settings"])
