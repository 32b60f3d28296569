"""Checking a shop file against samples of its data: reports all problems at once, loads nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.declaration import Declaration, declarations
from ingestion.readers.reader import DeclaredFile
from ingestion.shop_file import load_shop
from ingestion.sources import Found, Memory, check_keys, kind_of, place_of
from onboarding import filter_check, join_check, rule_check, values_check
from onboarding.csv_layout import is_header
from onboarding.declared_sample import rows_of
from onboarding.layout import FEW_LINES
from onboarding.names import concepts_of
from onboarding.staging import StagingModels
from onboarding.suggestion import suggest_column
from recomart.errors import ConfigurationError, RecoMartError, SourceError
from recomart.settings import Settings

SAMPLED_FILES = 3
"""How many of a source's files are sampled at most if they are large; the columns of all of them
are compared."""
SAMPLED_BYTES = 32 << 20
"""Files of up to this size together are all sampled."""


@dataclass(frozen=True)
class _Sampled:
    """The sampled records of an entity's own source."""

    shown: str
    table: pa.Table
    whole: bool


def check(settings: Settings) -> list[RecoMartError]:
    """Every problem that a load of the shop would meet, as far as samples show: errors first.

    Nothing is loaded and no warehouse is opened. A catalogue behind {mock_api} is left alone
    unless it runs.
    """
    try:
        shop = load_shop(settings)
    except ConfigurationError as exc:
        return list(getattr(exc, "all", (exc,)))
    declared = declarations(settings, shop, suggest_column)
    problems: list[RecoMartError] = []
    sampled: dict[str, _Sampled] = {}
    with tempfile.TemporaryDirectory() as folder:
        for one in declared.values():
            if one.origin is None and place_of(one) != "lake":
                problems += _source_problems(one, Path(folder), sampled)
    staged = {}
    for entity, one in declared.items():
        origin = sampled.get(one.origin or entity)
        if origin is None or _each(one) != _each(declared[one.origin or entity]):
            continue
        if set(one.source.reads) <= set(origin.table.column_names):
            place = entity, one.source, origin.shown
            problems += filter_check.problems(shop, *place, origin.table, whole=origin.whole)
            taken = filter_check.taken(one.source, origin.table)
            if one.source.where and not taken.num_rows:
                continue
            ours = values_check.staged(entity, one.source, taken)
            staged[entity] = values_check.Staged(*place, ours, taken, origin.whole)
    models = StagingModels(shop.shop)
    for mapped in staged.values():
        problems += rule_check.problems(shop, models, mapped)
        problems += values_check.word_problems(shop, mapped)
    problems += values_check.reference_problems(shop, staged)
    problems += values_check.spelling_problems(shop, staged)
    problems += values_check.likeness_problems(shop, staged)
    return sorted(problems, key=lambda problem: problem.severity == "warning")


def _source_problems(
    declared: Declaration[Any], folder: Path, sampled: dict[str, _Sampled]
) -> Iterator[RecoMartError]:
    """What is wrong with a source and its objects; a sample of its records goes into `sampled`."""
    try:
        check_keys(declared)
        discovery = kind_of(declared).discover(declared, Memory())
    except (ConfigurationError, SourceError) as exc:
        yield exc
        return
    yield from discovery.problems
    good: list[tuple[Found, Path]] = []
    bad: dict[tuple[str, str | None, str | None], list[RecoMartError]] = {}
    for found in discovery.objects:
        path, problems = _header_problems(declared, found, folder)
        for problem in problems:
            bad.setdefault((problem.code, problem.where, problem.help), []).append(problem)
        if path is not None and all(problem.severity == "warning" for problem in problems):
            good.append((found, path))
    for alike in bad.values():
        if len(alike) > 1:
            alike[0].message += f" (and {len(alike) - 1:,} more files like it)"
        yield alike[0]
    yield from _sample_problems(declared, good, folder, sampled)


def _header_problems(
    declared: Declaration[Any], found: Found, folder: Path
) -> tuple[Path | None, list[SourceError]]:
    """A local file of the object, if it can be looked at now, and what is wrong with its header."""
    try:
        path = kind_of(declared).preview(declared, found, folder)
        if path is None:
            return None, []
        reader = kind_of(declared).reader(declared.source)
        return path, list(reader.header(DeclaredFile(path, found.shown, declared)).problems)
    except SourceError as exc:
        return None, [exc]


def _sample_problems(
    declared: Declaration[Any],
    good: list[tuple[Found, Path]],
    folder: Path,
    sampled: dict[str, _Sampled],
) -> Iterator[RecoMartError]:
    whole = True
    if len(good) > SAMPLED_FILES and sum(p.stat().st_size for _, p in good) > SAMPLED_BYTES:
        good, whole = [*good[: SAMPLED_FILES - 1], good[-1]], False
    tables = []
    for found, path in good:
        try:
            rows = rows_of(path, declared, only=_reads(declared))
            rows.counts.check_share(found.shown)
        except SourceError as exc:
            exc.where = exc.where or declared.where(declared.source.kind)
            yield exc
            continue
        if rejects := rows.counts.rejects:
            first = rejects[0]
            yield SourceError(
                f"{found.shown}: {len(rejects):,} of {len(rejects) + rows.counts.records:,} "
                "sampled records cannot be read, and will be rejected",
                code="broken-lines",
                where=declared.where(declared.source.kind),
                found=f"{first.reason}: {first.text[:100]!r}",
                help="fix the lines, or leave it so: raw.rejects keeps each with its reason",
                severity="warning",
            )
        if not getattr(declared.source, "header", True) and _begins_with_names(rows.table):
            yield SourceError(
                f"{found.shown}: the first record looks like a header",
                code="header-as-record",
                where=declared.where("header"),
                found=", ".join(str(c[0]) for c in rows.table.columns)[:200],
                help="set header: true and leave out fields, or map to the names of the header",
                severity="warning",
            )
        whole = whole and rows.whole
        if rows.table.num_rows or place_of(declared) == "local":
            tables.append(values_check.filled(declared.source, rows.table))
    if tables:
        first_name = good[0][0].shown
        shown = first_name if len(good) == 1 else f"{first_name} and {len(good) - 1} more"
        table = pa.concat_tables(tables, promote_options="default")
        try:
            looked = join_check.looked_up(declared, table, folder)
        except SourceError as exc:
            yield exc
            return
        yield from join_check.problems(declared, looked, shown)
        sampled[declared.entity] = _Sampled(shown, looked.table, whole)


def _begins_with_names(table: pa.Table) -> bool:
    """Whether the first record of a file without a header names columns, as far as known words go."""
    records = [
        [str(v or "") for v in row.values()] for row in table.slice(0, FEW_LINES).to_pylist()
    ]
    known = [name for name in records[0] if concepts_of(name)] if records else []
    return len(known) >= 2 and is_header(records)


def _reads(declared: Declaration[Any]) -> tuple[str, ...]:
    """The paths that the source and what is made from it read."""
    made = declared.shop.shop.made_from(declared.entity)
    same = [one for one in made.values() if getattr(one, "each", None) == _each(declared)]
    names = [*declared.source.reads, *(name for one in same for name in one.reads)]
    return tuple(dict.fromkeys(names))


def _each(declared: Declaration[Any]) -> str | None:
    """The nested list whose elements are the records, if they are."""
    each: str | None = getattr(declared.source, "each", None)
    return each
