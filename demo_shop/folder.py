"""The folder of source files: written next to its final place, and moved there when it is complete."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from demo_shop.dirt import Kind, Planted, plant
from demo_shop.kinds import KINDS, RATE
from demo_shop.plan import DAYS, Plan
from demo_shop.source_data import CATALOGUE, MANIFEST, TRUTH
from demo_shop.text import Format
from recomart.files import fsync_folder, replace_text
from recomart.shop.model import KEYS

CHUNK_LINES = 10_000
PART = ".source_data.part"


class SourceFolder:
    """Writes the files of one demo shop, plants their dirt, and keeps count."""

    def __init__(self, root: Path, plan: Plan, truth: IO[str]) -> None:
        self._root = root
        self._plan = plan
        self._truth = truth
        self.records: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        self.files = 0
        self.bytes = 0

    def day(self, entity: str, day: int, lines: list[str], form: Format) -> None:
        """Write `<entity>/<date>.<ending>` with dirt among the lines; no file for a day without."""
        if not lines:
            return
        name = f"{entity}/{self._plan.date_of(day).isoformat()}.{form.ending}"
        head = [form.header] if form.header is not None else []
        soiled = self._soil(entity, day, name, lines, form, first_line=1 + len(head))
        self._write(name, [*head, *soiled], "\n")

    def catalogue(self, items: list[dict[str, object]]) -> None:
        """Write the catalogue as a JSON list with one product a line, dirt among them."""
        form = Format(tuple(items[0]), "json")
        lines = [form.render(item) for item in items]
        soiled = self._soil("products", 0, CATALOGUE, lines, form, first_line=2)
        last = soiled.pop()
        self._write(CATALOGUE, ["[\n" + soiled[0], *soiled[1:]], ",\n", end=f"{last}\n]\n")

    def _soil(
        self, entity: str, day: int, name: str, lines: list[str], form: Format, first_line: int
    ) -> list[str]:
        soiled, planted = plant(
            self._plan.random("dirt", day, *entity.encode()),
            lines,
            KINDS[entity],
            form,
            RATE[entity],
            first_serial=self.planted.total() + 1,
            forced=_forced(entity, day),
        )
        extra_lines = 0  # quoted line breaks of the dirt before this one
        for place, kind, record in planted:
            key = {column: record[column] for column in KEYS[entity]}
            line = first_line + place + extra_lines
            self._tell(Planted(kind.name, entity, key, name, line, kind.outcome, kind.reason))
            extra_lines += soiled[place].count("\n")
        self.records[entity] += len(soiled)
        return soiled

    def _tell(self, planted: Planted) -> None:
        begin = ",\n" if self.planted else "[\n"
        self._truth.write(begin + json.dumps(asdict(planted), ensure_ascii=False))
        self.planted[planted.entity] += 1

    def _write(self, name: str, lines: list[str], separator: str, end: str = "") -> None:
        """Write lines, each with the separator behind it, then `end`; a part at a time."""
        path = self._root / name
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as handle:
            for begin in range(0, len(lines), CHUNK_LINES):
                part = separator.join([*lines[begin : begin + CHUNK_LINES], ""])
                self.bytes += handle.write(part.encode("utf-8", "surrogateescape"))
            self.bytes += handle.write(end.encode("utf-8", "surrogateescape"))
        self.files += 1


def _forced(entity: str, day: int) -> tuple[Kind, ...]:
    """Kinds that a day must have: users and products begin with all, the others take turns."""
    kinds = KINDS[entity]
    if entity in ("users", "products"):
        return kinds if day == 0 else ()
    step = DAYS // (len(kinds) + 1)
    return tuple(kind for place, kind in enumerate(kinds, start=1) if place * step == day)


@contextmanager
def new_folder(place: Path, plan: Plan) -> Iterator[SourceFolder]:
    """A folder to fill, which replaces `place` in the end; after an error `place` is untouched.

    The manifest is written last. What a killed generation left behind is removed first.
    """
    part = place.with_name(PART)
    _remove(part)
    part.mkdir(parents=True)
    try:
        with open(part / TRUTH, "w", encoding="utf-8") as truth:
            folder = SourceFolder(part, plan, truth)
            yield folder
            truth.write("\n]\n")
        replace_text(part / MANIFEST, json.dumps(_manifest(plan, folder), indent=2) + "\n")
        _remove(place)
        part.replace(place)
        fsync_folder(place.parent)
    finally:
        _remove(part)


def _manifest(plan: Plan, folder: SourceFolder) -> dict[str, object]:
    return {
        "scale": plan.scale,
        "seed": plan.seed,
        "end_date": plan.end_date.isoformat(),
        "first_date": plan.first_day.isoformat(),
        "days": DAYS,
        "records": dict(sorted(folder.records.items())),
        "planted": dict(sorted(folder.planted.items())),
        "files": folder.files,
        "bytes": folder.bytes,
    }


def _remove(folder: Path) -> None:
    # the manifest goes first, so that a kill in between leaves nothing that looks complete
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
