"""Comparing sampled values, mapped as a load would map them, with what the shop file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import duckdb
import pyarrow as pa

from ingestion import fill_down, mapping
from ingestion.contracts import USUAL_SHARE
from ingestion.shop_file import ShopFile
from onboarding.spelling import alike, is_no_value
from onboarding.times import calculator, percent
from onboarding.values import Column
from recomart.errors import RecoMartError, SourceError
from recomart.rules.rulebook import STOP_ABOVE, rules_of
from recomart.shop.entities import LISTS, TYPES
from recomart.shop.model import Source

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
    connection, places = numbered(received)
    listed = mapping.select_list(entity, source, places)
    return connection.execute(f"select {listed} from sampled order by _record").to_arrow_table()


def filled(source: Source, received: pa.Table) -> pa.Table:
    """Sampled records of one file with what `fill_down` puts into them."""
    if source.fill_down is None or not set(source.fill_down.columns) <= set(received.column_names):
        return received
    connection, places = numbered(received)
    relation = fill_down.filled(source, places, "sampled")
    listed = ", ".join(places.values())
    table = connection.execute(f"select {listed} from {relation} order by _record").to_arrow_table()
    return table.rename_columns(received.column_names)


def numbered(received: pa.Table) -> tuple[duckdb.DuckDBPyConnection, dict[str, str]]:
    """A connection with the records as `sampled`, numbered, and the places of their columns."""
    places = {name: f"c{i}" for i, name in enumerate(received.column_names)}
    connection = calculator()
    numbers = pa.array(range(1, received.num_rows + 1), pa.int64())
    numbered = received.rename_columns(list(places.values())).append_column("_record", numbers)
    connection.register("sampled", numbered)
    return connection, places


def problem(
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
    """A finding about the values of one of our columns, at its place in the shop file."""
    where = shop.where(key or f"{one.entity}.columns.{column}")
    return SourceError(
        f"{one.shown}: {message}", code=code, where=where, found=found, help=help, severity=severity
    )


def _severity(bad: float) -> Severity:
    return "error" if bad > STOP_ABOVE else "warning"


def word_problems(shop: ShopFile, one: Staged) -> Iterator[RecoMartError]:
    """Texts such as NULL, which count as users, products or categories of that name."""
    for name in one.source.columns:
        if TYPES[one.entity][name] != "text":
            continue
        words = [(v, n) for v, n in one.column(name).counted.items() if is_no_value(v)]
        count = sum(n for _, n in words)
        if count:
            shown = sorted(words, key=lambda word: -word[1])[:8]
            yield problem(
                shop, one, name, "word-for-no-value",
                f"{name} is a word for no value in {count:,} of {one.ours.num_rows:,} sampled "
                "records, and counts as a value",
                found=", ".join(f"{word} ({n:,})" for word, n in shown),
                help=f"if it is one, list it under {one.entity}.missing in the shop file",
                severity="warning",
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
            yield problem(
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
                yield problem(
                    shop, all_staged[entity], name, "lost-zeros",
                    f"{percent(share)} of the sampled {name}s are in {all_staged[other].shown} "
                    "with zeros before them",
                    found=", ".join(lost[:5]), help=_ZEROS, severity=_severity(share),
                )  # fmt: skip


def likeness_problems(shop: ShopFile, all_staged: Mapping[str, Staged]) -> Iterator[RecoMartError]:
    """Ids of users and products that differ in case, spaces or Unicode form alone."""
    for name in LISTS:
        carriers = [one for one in all_staged.values() if name in one.source.columns]
        ids = frozenset[str]().union(*(one.column(name).distinct for one in carriers))
        for found in alike(ids):
            yield problem(
                shop, carriers[0], name, "ids-alike",
                f"{len(found.pairs):,} of the sampled {name}s differ from another in "
                f"{found.differ_in} alone, and count as others",
                found=found.examples, help="write each id in one way, in all files",
                severity="warning",
            )  # fmt: skip
