"""All plots of a shop in `<lake>/eda_plots`: the pictures, and readings.json with their texts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from quality.eda import (
    activity,
    categories,
    correlations,
    drift,
    funnel,
    hours,
    matrix,
    values,
)
from quality.eda.picture import NotDrawn, Plot, png
from quality.eda.source import MOST_ROWS, Source
from recomart.files import replace_text, sha256_of
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress
from recomart.warehouse import warehouse

FORMAT = 4
"""Version of readings.json and of the pictures: after a change, all are drawn again."""
READINGS = "readings.json"
PLOTS: tuple[Callable[[Source], Plot | NotDrawn], ...] = (
    values.ratings,
    values.prices,
    activity.per_user,
    activity.per_product,
    hours.by_hour,
    funnel.funnel,
    matrix.sparsity,
    categories.shares,
    correlations.of_users,
    correlations.of_products,
    drift.of_users,
    drift.of_products,
)


def draw(
    settings: Settings,
    progress: Progress = no_progress,
    most_rows: int = MOST_ROWS,
    *,
    redraw: bool = True,
) -> StepResult:
    """Draw every plot that the shop has data for, and remove the others.

    Args:
        most_rows: a table with more rows is sampled.
        redraw: draw even if the existing plots were made from the same data.

    Raises:
        NotReady: there is no warehouse, or nothing was transformed yet.
        WarehouseLocked: another process writes to it.
    """
    found: list[Plot | NotDrawn] = []
    with warehouse(settings, read_only=True) as connection:
        source = Source(connection, settings, most_rows)
        state = source.state()
        if not redraw and (existing := _drawn_before(settings.eda_plots, state)):
            return StepResult(existing, "plots", "unchanged")
        for place, read in enumerate(PLOTS):
            progress("read", place, len(PLOTS))
            found.append(read(source))
    drawn = [plot for plot in found if isinstance(plot, Plot)]
    missing = [plot for plot in found if isinstance(plot, NotDrawn)]
    settings.eda_plots.mkdir(parents=True, exist_ok=True)
    for place, plot in enumerate(drawn):
        progress("draw", place, len(drawn))
        _replace(settings.eda_plots / f"{plot.name}.png", png(plot, source.title))
    for absent in missing:
        (settings.eda_plots / f"{absent.name}.png").unlink(missing_ok=True)
    _write_readings(settings.eda_plots / READINGS, state, source, drawn, missing)
    return StepResult(len(drawn), "plots", _detail(drawn, missing))


def _drawn_before(folder: Path, state: str | None) -> int:
    """How many plots exist, if all of them were made from this state and are whole; else 0."""
    try:
        content = json.loads((folder / READINGS).read_bytes())
        if state is None or (content["format"], content["state"]) != (FORMAT, state):
            return 0
        whole = [sha256_of(folder / plot["file"]) == plot["sha256"] for plot in content["plots"]]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return len(whole) if all(whole) else 0


def _write_readings(
    path: Path, state: str | None, source: Source, drawn: list[Plot], missing: list[NotDrawn]
) -> None:
    content = {
        "format": FORMAT,
        "state": state,
        "shop": source.title,
        "as_of": source.as_of.isoformat() + "Z" if source.as_of else None,
        "plots": [
            {
                "file": f"{plot.name}.png",
                "sha256": sha256_of(path.with_name(f"{plot.name}.png")),
                "title": plot.title,
                "reading": plot.reading,
                "note": plot.note,
                "rows": plot.rows,
                "of": plot.of,
                "sampled": plot.sampled,
            }
            for plot in drawn
        ],
        "not_drawn": [
            {"name": plot.name, "title": plot.title, "reason": plot.reason} for plot in missing
        ],
    }
    replace_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _detail(drawn: list[Plot], missing: list[NotDrawn]) -> str:
    sampled = sum(plot.sampled for plot in drawn)
    parts = [f"{len(missing)} without data"] if missing else []
    parts += [f"{sampled} from a sample"] if sampled else []
    return " · ".join(parts)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
