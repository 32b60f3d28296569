"""Every planted piece of dirt ends where dirt_truth.json says, and no clean row does."""

import json
from collections import Counter
from pathlib import Path

import pytest

from recomart.settings import Settings
from recomart.shop import ENTITIES, KEYS
from recomart.warehouse import warehouse

SET_ASIDE = ("quarantined", "deduplicated", "superseded")
Row = tuple[str | None, ...]


@pytest.mark.parametrize("entity", ENTITIES)
def test_rows_set_aside_are_those_that_were_planted(demo_lake: Settings, entity: str) -> None:
    planted = Counter(
        (
            Path(entry["file"]).stem,
            entry["outcome"],
            entry["reason"],
            *(value or None for value in entry["key"].values()),
        )
        for entry in _truth(demo_lake)
        if entry["entity"] == entity and entry["outcome"] in SET_ASIDE
    )
    assert _set_aside(demo_lake, entity) == planted
    assert {outcome for _, outcome, *_ in planted} == set(SET_ASIDE)


def test_lines_rejected_are_those_that_were_planted(demo_lake: Settings) -> None:
    planted = [
        (entry["file"], entry["line"])
        for entry in _truth(demo_lake)
        if entry["outcome"] == "rejected"
    ]
    with warehouse(demo_lake, read_only=True) as connection:
        found = connection.execute("select source_file, line from raw.rejects").fetchall()
    assert sorted((file.removeprefix("source_data/"), line) for file, line in found) == sorted(
        planted
    )


def _truth(settings: Settings) -> list[dict]:
    return json.loads((settings.source_data / "dirt_truth.json").read_text(encoding="utf-8"))


def _set_aside(settings: Settings, entity: str) -> Counter[Row]:
    """Day of the file, outcome, reason and key, as received, of each row that was not accepted."""
    keys = ", ".join(f"received.{column}" for column in KEYS[entity])
    with warehouse(settings, read_only=True) as connection:
        rows = connection.execute(
            f"""
            select received._source_file, outcome, reject_reasons, {keys}
            from intermediate.int_{entity}__set_aside
            inner join raw.{entity} as received using (_batch_id, _record)
            """
        ).fetchall()
    # the catalogue comes from the API, the rest from files by day
    return Counter(
        ("catalogue" if entity == "products" else Path(file).stem, *rest) for file, *rest in rows
    )
