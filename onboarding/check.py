"""Checking a shop file against its data, by samples: all problems at once, and nothing loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from ingestion import headers
from ingestion.sources.files import SourceFile, find_files
from onboarding import catalogue, values_check
from onboarding.spare import rows_of
from recomart.errors import ConfigurationError, RecoMartError, SourceError
from recomart.settings import Settings
from recomart.shop.file import ShopFile, load_shop
from recomart.shop.model import ApiSource, FileSource, MadeSource

SAMPLED_FILES = 3
"""Of many files of a source, so many are sampled; of all of them the columns are compared."""


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
    problems: list[RecoMartError] = []
    sampled: dict[str, _Sampled] = {}
    for entity, source in shop.shop.sources().items():
        if isinstance(source, FileSource):
            problems += _files(settings, shop, entity, source, sampled)
        elif isinstance(source, ApiSource):
            found, items = catalogue.first_page(settings, shop, entity, source)
            problems += found
            if items is not None:
                sampled[entity] = _Sampled(f"the catalogue of {entity}", items, whole=False)
    staged = {}
    for entity, source in shop.shop.sources().items():
        origin = sampled.get(source.made_from if isinstance(source, MadeSource) else entity)
        if origin is None:
            continue
        read = shop.shop.read_as(entity)
        if set(read.reads) <= set(origin.table.column_names):
            ours = values_check.staged(entity, read, origin.table)
            staged[entity] = values_check.Staged(
                entity, read, origin.shown, ours, origin.table, origin.whole
            )
    for one in staged.values():
        problems += values_check.problems(shop, one)
    problems += values_check.reference_problems(shop, staged)
    problems += values_check.spelling_problems(shop, staged)
    return sorted(problems, key=lambda problem: problem.severity == "warning")


def _files(
    settings: Settings,
    shop: ShopFile,
    entity: str,
    source: FileSource,
    sampled: dict[str, _Sampled],
) -> Iterator[RecoMartError]:
    try:
        headers.check_encoding(source, shop, entity)
    except ConfigurationError as exc:
        yield exc
        return
    files: dict[str, SourceFile] = {}
    for pattern in source.files:
        try:
            one = source.model_copy(update={"files": (pattern,)})
            files |= {file.shown: file for file in find_files(settings, shop, entity, one)}
        except SourceError as exc:
            yield exc
    good: list[SourceFile] = []
    bad: dict[tuple[str, str | None, str | None], list[RecoMartError]] = {}
    for file in files.values():
        found = headers.file_problems(file.path, file.shown, source, shop, entity)
        for problem in found:
            bad.setdefault((problem.code, problem.where, problem.help), []).append(problem)
        if not found:
            good.append(file)
    for alike in bad.values():
        if len(alike) > 1:
            alike[0].message += f" (and {len(alike) - 1:,} more files alike)"
        yield alike[0]
    tables = []
    whole = True
    if len(good) > SAMPLED_FILES:
        good, whole = [*good[: SAMPLED_FILES - 1], good[-1]], False
    for file in good:
        try:
            rows = rows_of(file.path, source, only=_reads(shop, entity, source))
            rows.tally.check_share(file.shown)
        except SourceError as exc:
            exc.where = exc.where or shop.where(f"{entity}.files")
            yield exc
            continue
        if rejects := rows.tally.rejects:
            first = rejects[0]
            yield SourceError(
                f"{file.shown}: {len(rejects):,} of {len(rejects) + rows.tally.records:,} sampled "
                "records cannot be read, and will be rejected",
                code="broken-lines",
                where=shop.where(f"{entity}.files"),
                found=f"{first.reason}: {first.text[:100]!r}",
                help="mend the lines, or leave it so: raw.rejects keeps each with its reason",
                severity="warning",
            )
        whole = whole and rows.whole
        tables.append(rows.table)
    if tables:
        shown = good[0].shown if len(good) == 1 else f"{good[0].shown} and {len(good) - 1} more"
        table = pa.concat_tables(tables, promote_options="default")
        sampled[entity] = _Sampled(shown, table, whole)


def _reads(shop: ShopFile, entity: str, source: FileSource) -> tuple[str, ...]:
    """The paths that the source and what is made from it read."""
    made = [
        one.reads
        for one in shop.shop.sources().values()
        if isinstance(one, MadeSource) and one.made_from == entity
    ]
    return tuple(dict.fromkeys([*source.reads, *(name for reads in made for name in reads)]))
