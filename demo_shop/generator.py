"""Making the demo shop's source files, once per lake."""

from __future__ import annotations

import json
import logging
from datetime import date

from demo_shop.catalogue import catalogue_items
from demo_shop.folder import new_folder
from demo_shop.history import History
from demo_shop.plan import DAYS, Plan, make_plan
from demo_shop.source_data import MANIFEST
from demo_shop.text import FORMATS, Scribe
from demo_shop.world import make_world
from recomart import processes
from recomart.lake import open_lake
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress

log = logging.getLogger(__name__)


def generate(
    settings: Settings,
    *,
    scale: float | None = None,
    seed: int | None = None,
    end_date: str | date | None = None,
    progress: Progress = no_progress,
) -> StepResult:
    """Write the demo shop's source files to `<lake>/source_data`, replacing those that are there.

    `users/`, `ratings/`, `transactions/` (CSV) and `events/` (JSON lines) with a file a day,
    `catalogue.json` for the mock API, `dirt_truth.json` with every planted row and what must
    become of it, and `manifest.json` when all is complete. Equal (scale, seed, end date) give equal
    bytes. Memory stays flat: one day is in memory at a time.

    Args:
        scale: size; 1 is about 100,000 events. None: the settings'; so with the next two.
        end_date: the last day; YYYY-MM-DD. None in the settings, too: today (UTC).

    Raises:
        ConfigurationError: scale or end date cannot be used.
        WrongLake: the lake belongs to another shop.
    """
    plan = make_plan(settings, scale=scale, seed=seed, end_date=end_date)
    open_lake(settings)
    with (
        processes.only_one(settings, "generate"),
        new_folder(settings.source_data, plan) as folder,
    ):
        world = make_world(plan)
        scribe = Scribe(world)
        folder.catalogue(catalogue_items(plan, world.catalogue))
        for day in History(world).days():
            folder.day("users", day.day, scribe.users(day.day), FORMATS["users"])
            folder.day("ratings", day.day, scribe.ratings(day), FORMATS["ratings"])
            folder.day("transactions", day.day, scribe.transactions(day), FORMATS["transactions"])
            folder.day("events", day.day, scribe.events(day), FORMATS["events"])
            progress("days", day.day + 1, DAYS)
    records = folder.records
    log.info("demo shop %s: %s records, %s planted", plan, dict(records), dict(folder.planted))
    return StepResult(
        records.total(),
        "rows",
        f"{records['events']:,} events · {records['users']:,} users · "
        f"{records['products']:,} products · {folder.planted.total():,} dirty",
    )


def generated(settings: Settings) -> Plan | None:
    """What the lake's files of the demo shop were made from; None unless there is a complete set."""
    try:
        made = json.loads((settings.source_data / MANIFEST).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Plan(made["scale"], made["seed"], date.fromisoformat(made["end_date"]))
