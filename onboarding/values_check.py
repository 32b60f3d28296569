"""Comparing sampled values, mapped as a load would map them, with what the shop file says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ingestion import mapping
from ingestion.contracts import USUAL_SHARE
from onboarding.scale import rating_scale
from onboarding.times import calculator, percent, share_parsed, time_format
from onboarding.values import Column, event_type_of
from recomart.errors import RecoMartError, SourceError
from recomart.events import EVENT_TYPES
from recomart.rules.rulebook import STOP_ABOVE, rules_of
from recomart.shop.entities import TYPES
from recomart.shop.file import ShopFile
from recomart.shop.model import KEYS, Source

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Staged:
    """Sampled records with our columns, as text, next to those of the source."""

    entity: str
    source: Source
    shown: str
    ours: pa.Table
    received: pa.Table
    whole: bool

    def column(self, name: str) -> Column:
        return Column(name, self.ours.column(name))


def staged(entity: str, source: Source, received: pa.Table) -> pa.Table:
    """Our columns of sampled records, made by the SQL that a load makes them by."""
    places = {name: f"c{i}" for i, name in enumerate(received.column_names)}
    connection = calculator()
    connection.register("sampled", received.rename_columns(list(places.values())))
    listed = mapping.select_list(entity, source, places)
    return connection.execute(f"select {listed} from sampled").to_arrow_table()


def problems(shop: ShopFile, one: Staged) -> Iterator[RecoMartError]:
    """What is wrong with the values of one entity."""
    if not one.ours.num_rows:
        return
    for name in one.source.columns:
        column = one.column(name)
        if name in KEYS[one.entity] and not column.filled:
            yield _problem(
                shop, one, name, "empty-key", f"{name} is empty in every record",
                help="map the source's column that identifies a record",
            )  # fmt: skip
        if not column.filled:
            continue
        kind = TYPES[one.entity][name]
        if kind == "time":
            yield from _times(shop, one, column)
        elif kind in ("number", "integer"):
            yield from _numbers(shop, one, column)
    if "event_type" in one.source.columns:
        yield from _event_types(shop, one)


def _problem(
    shop: ShopFile,
    one: Staged,
    column: str,
    code: str,
    message: str,
    *,
    found: str | None = None,
    help: str,
    key: str | None = None,
    severity: Severity = "error",
) -> SourceError:
    where = shop.where(key or f"{one.entity}.columns.{column}")
    return SourceError(
        f"{one.shown}: {message}", code=code, where=where, found=found, help=help, severity=severity
    )


def _severity(bad: float) -> Severity:
    return "error" if bad > STOP_ABOVE else "warning"


def _examples(column: Column) -> str:
    return ", ".join(repr(value[:60]) for value, _ in column.most[:3])


def _times(shop: ShopFile, one: Staged, column: Column) -> Iterator[RecoMartError]:
    declared = one.source.time_format
    share = share_parsed(column.values, declared)
    if share >= 1 - USUAL_SHARE:
        return
    better = time_format(column.values)
    found = _examples(column)
    help = "declare its time_format (iso, epoch_seconds, epoch_milliseconds, or a pattern)"
    if better and better.share > share and better.format != declared:
        found += f"      did you mean {json.dumps(better.format)}? ({better.words})"
        help = f"set time_format: {json.dumps(better.format)}"
        if better.rival:
            help += f", or {json.dumps(better.rival)}, which fits just as well"
    elif better is None and share == 0:
        help = f"map another column to {column.name}: its values are not times in any known format"
    what = "no value" if share == 0 else f"only {percent(share)} of the values"
    yield _problem(
        shop, one, column.name, "wrong-values",
        f"{what} of {column.name} {'is' if share == 0 else 'are'} a time ({declared})",
        found=found, help=help, key=f"{one.entity}.time_format", severity=_severity(1 - share),
    )  # fmt: skip


def _numbers(shop: ShopFile, one: Staged, column: Column) -> Iterator[RecoMartError]:
    n = column.numbers
    good = n.share - n.commas - n.grouped
    if good < 1 - USUAL_SHARE:
        help = f"map another column to {column.name}, or fix the values"
        found = _examples(column)
        if n.commas + n.grouped > USUAL_SHARE and "decimal" in type(one.source).model_fields:
            what = "commas between thousands" if n.decimal == "." else "a decimal comma"
            found += f"      {percent(n.grouped or n.commas)} of them have {what}"
            help = f'set {one.entity}.decimal: "{n.decimal}"'
        what = "no value" if good <= 0 else f"only {percent(good)} of the values"
        yield _problem(
            shop, one, column.name, "wrong-values",
            f"{what} of {column.name} {'is' if good <= 0 else 'are'} a number",
            found=found, help=help, severity=_severity(1 - good),
        )  # fmt: skip
    elif column.name == "rating" and n.low is not None and n.high is not None:
        low, high = shop.shop.rating_scale
        outside = pc.sum(pc.cast(pc.invert(_between(column.values, low, high)), pa.int64())).as_py()
        share = (outside or 0) / column.filled
        if share:
            wider = rating_scale(column)
            help = "they go to quarantine; if they are right, widen rating_scale"
            if wider != (low, high) and share > USUAL_SHARE:
                help = f"set rating_scale: [{wider[0]:g}, {wider[1]:g}]"
            yield _problem(
                shop, one, "rating", "out-of-scale",
                f"{outside:,} of {column.filled:,} sampled ratings lie outside of {low:g} to {high:g}",
                found=f"ratings from {n.low:g} to {n.high:g}", help=help, key="rating_scale",
                severity="error" if share > USUAL_SHARE else "warning",
            )  # fmt: skip


def _between(values: pa.ChunkedArray, low: float, high: float) -> pa.ChunkedArray:
    connection = calculator()
    connection.register("received", pa.table({"value": values}))
    query = "select coalesce(try_cast(value as double) between ? and ?, true) as ok from received"
    return connection.execute(query, [low, high]).to_arrow_table().column("ok")


def _event_types(shop: ShopFile, one: Staged) -> Iterator[RecoMartError]:
    column = one.column("event_type")
    strange = {value: count for value, count in column.most if value not in EVENT_TYPES}
    if not strange:
        return
    share = sum(strange.values()) / max(1, column.filled)
    meant = {value: event_type_of(value) for value in strange}
    known = ", ".join(f"{json.dumps(v)}: {ours}" for v, ours in meant.items() if ours)
    help = (
        f"add to its values: {{{known}}}"
        if known
        else (
            f"give each of them one of {', '.join(EVENT_TYPES)}, or leave those rows to quarantine"
        )
    )
    yield _problem(
        shop, one, "event_type", "unknown-event-type",
        f"{percent(share)} of the sampled events are of a type that is not ours",
        found=", ".join(f"{value} ({count:,})" for value, count in list(strange.items())[:8]),
        help=help, severity="error" if share > USUAL_SHARE else "warning",
    )  # fmt: skip


def reference_problems(shop: ShopFile, all_staged: Mapping[str, Staged]) -> Iterator[RecoMartError]:
    """Sampled ids of users and products that the shop's own lists lack.

    A list too long to be looked at whole proves nothing, and is passed over.
    """
    kept_rules = {r.rule_id for r in rules_of(shop.shop) if r.outcome == "kept"}
    for listed, name in (("users", "user_id"), ("products", "product_id")):
        known = all_staged.get(listed)
        if known is None or not known.whole:
            continue
        keys = known.column(name).distinct
        for entity in ("ratings", "transactions", "events"):
            one = all_staged.get(entity)
            if one is None or name not in one.source.columns:
                continue
            ids = one.column(name).distinct
            strangers = sorted(ids - keys)
            share = 1 - len(strangers) / max(1, len(ids))
            if not strangers:
                continue
            if f"{entity}.{name}.reference" in kept_rules:
                continue
            help = f"fix the list of {listed}, or accept these rows: unknown_references: keep"
            if share == 0:
                help = f"check that both files name {listed} in the same way"
            if 2 * max(len(_zeros_lost(ids, keys)), len(_zeros_lost(keys, ids))) > len(strangers):
                help = _ZEROS
            yield _problem(
                shop, one, name, "unknown-references",
                f"{percent(1 - share)} of the sampled {name}s are not in {known.shown}",
                found=", ".join(strangers[:5])
                + (f"; there they are like {', '.join(sorted(keys)[:3])}" if share == 0 else ""),
                help=help,
                severity=_severity(1 - share),
            )  # fmt: skip


_ZEROS = "one of them has lost its leading zeros, as in a spreadsheet: export that column as text"


def _zeros_lost(some: frozenset[str], others: frozenset[str]) -> list[str]:
    """The ids among some that would be among the others with zeros before them."""
    padded = {one.lstrip("0") for one in others - some if one.startswith("0")}
    return sorted((some - others) & padded)


def spelling_problems(shop: ShopFile, all_staged: Mapping[str, Staged]) -> Iterator[RecoMartError]:
    """Ids of users and products that two sources spell with and without leading zeros.

    Where the shop has no list, nothing else shows it; each of these users would count as two.
    """
    for listed, name in (("users", "user_id"), ("products", "product_id")):
        ids = {
            entity: one.column(name).distinct
            for entity, one in all_staged.items()
            if name in one.source.columns and listed not in all_staged
        }
        for entity, other in permutations(ids, 2):
            lost = _zeros_lost(ids[entity], ids[other])
            if len(lost) > USUAL_SHARE * len(ids[entity]):
                share = len(lost) / len(ids[entity])
                yield _problem(
                    shop, all_staged[entity], name, "lost-zeros",
                    f"{percent(share)} of the sampled {name}s are in {all_staged[other].shown} "
                    "with zeros before them",
                    found=", ".join(lost[:5]), help=_ZEROS, severity=_severity(share),
                )  # fmt: skip
