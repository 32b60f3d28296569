"""What became of each piece of planted dirt, read off the warehouse; and what should be accepted,
read off the source files by Python alone. Works at any size of the demo shop."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from recomart.settings import Settings
from recomart.shop.entities import ENTITIES, KEYS
from recomart.warehouse import warehouse

Place = tuple[str, str]
"""Entity and file."""

CATALOGUE = "catalogue.json"
ACCEPTED = {
    "users": "intermediate.int_users__accepted",
    "products": "intermediate.int_products__accepted",
    "ratings": "marts.fct_ratings",
    "transactions": "marts.fct_transactions",
    "events": "marts.fct_events",
}
IN_THE_WAREHOUSE = {
    "signed_up_at": "strftime({}, '%Y-%m-%dT%H:%M:%S.%g')",
    "updated_at": "strftime({}, '%Y-%m-%dT%H:%M:%S.%g')",
    "rated_at": "strftime({}, '%Y-%m-%dT%H:%M:%S.%f')",
    "ordered_at": "strftime({}, '%Y-%m-%dT%H:%M:%S.%g')",
    "occurred_at": "strftime({}, '%Y-%m-%dT%H:%M:%S.%g')",
    "received_at": "strftime({}, '%Y-%m-%dT%H:%M:%S.%g')",
    "price": "{}::double::varchar",
    "unit_price": "{}::double::varchar",
    "quantity": "{}::double::varchar",
    "rating": "{}::double::varchar",
}
MADE = {"line_total"}
"""What the demo shop does not send, and the mart makes."""
FILLED = {"quantity": "1.0", "category": "unknown"}
"""What a missing value becomes, as the demo shop's rules and the defaults say."""


@dataclass(frozen=True)
class Followed:
    """A planted row: what the truth names, and what was found. Outcomes with their reasons."""

    entity: str
    kind: str
    told: str
    found: str


def follow(settings: Settings) -> list[Followed]:
    """Every planted row with what became of it; and one more for each row set aside unplanted."""
    truth = truth_of(settings)
    set_aside, rejects = _set_aside(settings), _rejects(settings)
    flags = _flags(settings)
    followed = []
    for entry in truth:
        entity, file = entry["entity"], entry["file"]
        key = tuple(value or None for value in entry["key"].values())
        told = _named(entry["outcome"], entry["reason"])
        at = (entity, file, key)
        if entry["outcome"] == "rejected":
            found = "rejected" if rejects.pop((file, entry["line"]), None) else "not rejected"
        elif entry["outcome"] in ("kept", "flagged"):
            # a clean price may be far from the others too: a flag that is not planted keeps the row
            flagged = entry["reason"] in flags.get(at, ())
            found = _named("flagged", entry["reason"]) if flagged else "kept"
            found = " and ".join([found, *set_aside.pop(at, Counter())])
        else:
            outcomes = set_aside[at]
            found = told if outcomes[told] else ", ".join(sorted(outcomes)) or "accepted"
            outcomes.subtract([found])
        followed.append(Followed(entity, entry["kind"], told, found))
    followed += [Followed("", "clean", "accepted", f"rejected {place}") for place in rejects]
    for (entity, *_), outcomes in set_aside.items():
        for found in outcomes.elements():
            followed.append(Followed(entity, "clean", "accepted", found))
    return followed


def differences(settings: Settings, entity: str) -> tuple[int, list[tuple], list[tuple]]:
    """How many records of the source files are good; those that the warehouse lacks or has
    otherwise; and what it has that the files have not: key and all values that a mart keeps."""
    with warehouse(settings, read_only=True) as connection:
        mart = ACCEPTED[entity]
        has = {row[0] for row in connection.execute(f"describe {mart}").fetchall()}
        has -= MADE
        columns = [column for column in ENTITIES[entity] if column in has]
        good = [
            [_text(record, column) for column in columns]
            for record in good_records(settings, entity)
        ]
        table = pa.table(
            {c: pa.array([row[i] for row in good], pa.string()) for i, c in enumerate(columns)}
        )
        connection.register("good", table)
        shown = ", ".join(
            IN_THE_WAREHOUSE.get(column, "{}::varchar").format(column) for column in columns
        )
        listed = ", ".join(columns)
        lacks = f"select {listed} from good except all select {shown} from {mart}"
        more = f"select {shown} from {mart} except all select {listed} from good"
        return (
            len(good),
            connection.execute(lacks).fetchall(),
            connection.execute(more).fetchall(),
        )


def truth_of(settings: Settings) -> list[dict]:
    """The entries of dirt_truth.json."""
    return json.loads((settings.source_data / "dirt_truth.json").read_text(encoding="utf-8"))


def table(followed: list[Followed]) -> str:
    """Kind by kind: how many are planted, and how many are where the truth says."""
    groups: dict[tuple[str, str, str], Counter[bool]] = defaultdict(Counter)
    for one in followed:
        groups[one.entity, one.kind, one.told][one.told == one.found] += 1
    return "\n".join(
        f"{entity:13} {kind:17} {told:42} {sum(found.values()):6} {found[True]:6}"
        for (entity, kind, told), found in sorted(groups.items())
    )


def good_records(settings: Settings, entity: str) -> Iterator[dict[str, str | None]]:
    """Records of the source files that are clean, or dirty and to be accepted."""
    refused: dict[str, set[int]] = defaultdict(set)
    for entry in truth_of(settings):
        if entry["entity"] == entity and entry["outcome"] not in ("kept", "flagged"):
            refused[entry["file"]].add(entry["line"])
    files = (settings.source_data / entity).glob("*")
    if entity == "products":
        files = iter([settings.source_data / CATALOGUE])
    for path in files:
        name = path.relative_to(settings.source_data).as_posix()
        for line, record in _records(path):
            if line not in refused[name]:
                assert isinstance(record, dict), f"{name}:{line} is broken, and not planted"
                yield record


def _records(path: Path) -> Iterator[tuple[int, dict | None]]:
    """Line and record; None for a line that is no record."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as handle:
        if path.suffix == ".csv":
            reader = csv.reader(handle)
            header = next(reader)
            line = reader.line_num + 1
            for fields in reader:
                yield line, dict(zip(header, fields, strict=False))
                line = reader.line_num + 1
            return
        for line, text in enumerate(handle, start=1):
            if text.strip() in ("[", "]"):
                continue
            try:
                yield line, json.loads(text.strip().removesuffix(","))
            except ValueError:
                yield line, None


def _text(record: dict, column: str) -> str | None:
    value = record.get(column)
    if value in (None, ""):
        return FILLED.get(column)
    if isinstance(value, bool):
        return str(value).lower()
    if column in ("price", "unit_price", "quantity", "rating"):
        return str(float(value))
    if column.endswith("_at"):
        moment, _, part = str(value).removesuffix("Z").partition(".")
        return f"{moment}.{part.ljust(6 if column == 'rated_at' else 3, '0')}"
    return str(value)


def _named(outcome: str, reason: str | None) -> str:
    return f"{outcome}: {reason}" if reason else outcome


def _set_aside(settings: Settings) -> dict[tuple, Counter[str]]:
    found: dict[tuple, Counter[str]] = defaultdict(Counter)
    with warehouse(settings, read_only=True) as connection:
        for entity, keys in KEYS.items():
            rows = connection.execute(
                f"""
                select received._source_file, outcome, reject_reasons,
                    {", ".join(f"received.{column}" for column in keys)}
                from intermediate.int_{entity}__set_aside
                inner join raw.{entity} as received using (_batch_id, _record)
                """
            ).fetchall()
            for file, outcome, reasons, *key in rows:
                at = (entity, _file(entity, file), tuple(key))
                found[at][_named(outcome, reasons)] += 1
    return found


def _rejects(settings: Settings) -> dict[tuple[str, int], str]:
    with warehouse(settings, read_only=True) as connection:
        rows = connection.execute(
            "select entity, rejects.source_file, line, reason from raw.rejects as rejects "
            "inner join raw._loads as loads using (batch_id)"
        ).fetchall()
    # of the catalogue an item is a line, and in its file stands one below, after the bracket
    return {
        (_file(entity, file), line + (entity == "products")): reason
        for entity, file, line, reason in rows
    }


def _flags(settings: Settings) -> dict[tuple, set[str]]:
    found: dict[tuple, set[str]] = defaultdict(set)
    with warehouse(settings, read_only=True) as connection:
        for entity, keys in KEYS.items():
            rows = connection.execute(
                f"""
                select received._source_file, code,
                    {", ".join(f"received.{column}" for column in keys)}
                from quality.dq_flags as flags
                inner join raw.{entity} as received using (_batch_id, _record)
                where flags.entity = '{entity}'
                """
            ).fetchall()
            for file, code, *key in rows:
                found[entity, _file(entity, file), tuple(key)].add(code)
    return found


def _file(entity: str, source_file: str) -> str:
    return CATALOGUE if entity == "products" else source_file.removeprefix("source_data/")
