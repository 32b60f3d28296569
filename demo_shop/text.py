"""The demo shop's days as lines of text, made column by column."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_shop.history import KINDS, Day
from demo_shop.people import COUNTRIES
from demo_shop.world import World

COLUMNS: dict[str, tuple[str, ...]] = {
    "users": ("user_id", "signed_up_at", "country", "birth_year"),
    "ratings": ("user_id", "product_id", "rating", "rated_at"),
    "transactions": (
        "order_id",
        "line_no",
        "user_id",
        "product_id",
        "quantity",
        "unit_price",
        "ordered_at",
        "note",
    ),
    "events": (
        "event_id",
        "event_type",
        "user_id",
        "session_id",
        "product_id",
        "occurred_at",
        "received_at",
    ),
}
"""The columns of each entity's files, in order."""

NOTES = ("", "Please ring twice", "gift wrap, please", 'write "Happy birthday" on it')
NOTE_SHARES = (0.94, 0.02, 0.02, 0.02)


@dataclass(frozen=True)
class Format:
    """How records of an entity are written, one a line."""

    columns: tuple[str, ...]
    ending: str

    @property
    def header(self) -> str | None:
        """The first line of a file, without its end."""
        return ",".join(self.columns) if self.ending == "csv" else None

    def parse(self, line: str) -> dict[str, str | None]:
        """The values of one line by column."""
        if self.ending == "csv":
            return dict(zip(self.columns, next(csv.reader([line])), strict=True))
        return json.loads(line)

    def render(self, record: Mapping[str, object]) -> str:
        """The line of a record; the opposite of `parse`."""
        if self.ending == "csv":
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="").writerow([record[c] for c in self.columns])
            return buffer.getvalue()
        return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


FORMATS = {
    "users": Format(COLUMNS["users"], "csv"),
    "ratings": Format(COLUMNS["ratings"], "csv"),
    "transactions": Format(COLUMNS["transactions"], "csv"),
    "events": Format(COLUMNS["events"], "jsonl"),
}


class Scribe:
    """Turns days into lines. Holds the ids and prices as text, and the times of a day."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._users = pa.array(world.people.ids)
        self._products = pa.array(world.catalogue.ids)
        self._prices = pa.array([f"{c // 100}.{c % 100:02d}" for c in world.catalogue.cents])
        self._kinds = pa.array(KINDS)
        self._countries = pa.array(list(COUNTRIES))
        self._notes = pa.array([_quoted(note) for note in NOTES])
        self._seconds = pa.array(
            [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]
        )
        self._millis = pa.array([f".{ms:03d}Z" for ms in range(1000)])

    def events(self, day: Day) -> list[str]:
        """JSON lines of a day's events."""
        date = self._compact(day.day)
        return _lines(
            f'{{"event_id":"e{date}-',
            _number(np.arange(1, len(day.events.kind) + 1), 7),
            '","event_type":"',
            self._kinds.take(pa.array(day.events.kind)),
            '","user_id":"',
            self._users.take(pa.array(day.events.user)),
            f'","session_id":"s{date}-',
            _number(day.events.session + 1, 6),
            '","product_id":"',
            self._products.take(pa.array(day.events.product)),
            '","occurred_at":"',
            *self._times(day.day, day.events.occurred),
            '","received_at":"',
            *self._times(day.day, day.events.received),
            '"}',
        )

    def ratings(self, day: Day) -> list[str]:
        """CSV lines of a day's ratings."""
        return _lines(
            self._users.take(pa.array(day.ratings.user)),
            ",",
            self._products.take(pa.array(day.ratings.product)),
            ",",
            pa.array(day.ratings.stars).cast(pa.string()),
            ",",
            *self._times(day.day, day.ratings.time),
        )

    def transactions(self, day: Day) -> list[str]:
        """CSV lines of a day's order lines."""
        rng = self._world.plan.random("notes", day.day)
        notes = rng.choice(len(NOTES), len(day.lines.order), p=NOTE_SHARES)
        return _lines(
            f"o{self._compact(day.day)}-",
            _number(day.lines.order + 1, 6),
            ",",
            pa.array(day.lines.number).cast(pa.string()),
            ",",
            self._users.take(pa.array(day.lines.user)),
            ",",
            self._products.take(pa.array(day.lines.product)),
            ",",
            pa.array(day.lines.quantity).cast(pa.string()),
            ",",
            self._prices.take(pa.array(day.lines.product)),
            ",",
            *self._times(day.day, day.lines.time),
            ",",
            self._notes.take(pa.array(notes)),
        )

    def users(self, day: int) -> list[str]:
        """CSV lines of who signed up on a day; on day 0 of all who were there before, too."""
        people = self._world.people
        signed_up = np.floor(people.signed_up)
        who = np.flatnonzero((signed_up == day) | ((day == 0) & (signed_up < 0)))
        times = [
            self._world.plan.instant(float(when)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for when in people.signed_up[who]
        ]
        return _lines(
            self._users.take(pa.array(who)),
            ",",
            pa.array(times, pa.string()),
            ",",
            self._countries.take(pa.array(people.country[who])),
            ",",
            pa.array(people.birth_year[who]).cast(pa.string()),
        )

    def _compact(self, day: int) -> str:
        return self._world.plan.date_of(day).strftime("%Y%m%d")

    def _times(self, day: int, millis: np.ndarray) -> tuple[str | pa.Array, ...]:
        date = self._world.plan.date_of(day).isoformat()
        return (
            f"{date}T",
            self._seconds.take(pa.array(millis // 1000)),
            self._millis.take(pa.array(millis % 1000)),
        )


def _lines(*columns: str | pa.Array) -> list[str]:
    return pc.binary_join_element_wise(*columns, "").to_pylist()


def _number(values: np.ndarray, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(values).cast(pa.string()), width, "0")


def _quoted(text: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([text, ""])
    return buffer.getvalue().removesuffix(",")
