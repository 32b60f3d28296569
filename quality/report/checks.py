"""What the appendix lists: rules, landing contracts, versions, and how to reproduce the report."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from quality.report.content import Content
from quality.report.quoting import plain
from quality.report.tables import Row, Tables
from quality.report.words import landing_check
from recomart.settings import Settings
from recomart.shop.model import ENTITIES

USUAL_SHARE = 0.05
"""Ingestion warns about a batch with a larger share of bad values."""
PACKAGES = (
    "recomart",
    "duckdb",
    "dbt-core",
    "dbt-duckdb",
    "pandera",
    "feast",
    "mlflow",
    "scikit-surprise",
    "fpdf2",
    "matplotlib",
)


class RuleCheck(Content):
    """A rule of the shop, and how often it was broken."""

    rule_id: str
    entity: str
    column: str | None
    kind: str
    outcome: str
    words: str
    """With the bounds that a `usual` rule has in this data."""
    because: str | None
    stop_above: float | None
    checked: int
    failed: int


class ContractCheck(Content):
    """A landing contract, and the share of bad values in the batches."""

    entity: str
    column: str
    check: str
    words: str
    records: int
    failures: int
    worst_share: float
    batches_over: int


def rule_checks(rules: Iterable[Row]) -> tuple[RuleCheck, ...]:
    """Every rule of the shop with how often it was broken.

    Args:
        rules: the rows of quality.dq_rules, by id.
    """
    order = list(ENTITIES)
    return tuple(
        RuleCheck(
            rule_id=plain(row["rule_id"], 120),
            entity=row["entity"],
            column=row["column_name"],
            kind=row["kind"],
            outcome=row["outcome"],
            words=plain(row["words"]) + _bounds(row),
            because=plain(row["because"]) if row["because"] else None,
            stop_above=None if row["stop_above"] is None else float(row["stop_above"]),
            checked=row["checked"] or 0,
            failed=row["failed"] or 0,
        )
        for row in sorted(rules, key=lambda r: (order.index(r["entity"]), r.get("place") or 0))
    )


def _bounds(row: Row) -> str:
    low, high = row.get("low"), row.get("high")
    if row["kind"] != "usual" or (low is None and high is None):
        return ""
    ends = [
        f"from {low:,.6g}" if low is not None else "",
        f"to {high:,.6g}" if high is not None else "",
    ]
    return f" (here {' '.join(end for end in ends if end)})"


def contract_checks(tables: Tables) -> tuple[ContractCheck, ...]:
    """The landing contracts, all batches of an entity together."""
    order = list(ENTITIES)
    found = tables.rows(
        f"""
        select entity, check_name, column_name, sum(records)::bigint as records,
            sum(failures)::bigint as failures,
            coalesce(max(failures / nullif(records, 0)), 0) as worst,
            count(*) filter (failures > {USUAL_SHARE} * records) as batches_over
        from raw._contracts group by all order by all
        """,
        needs="raw._contracts",
    )
    return tuple(
        ContractCheck(
            entity=row["entity"],
            column=row["column_name"],
            check=row["check_name"],
            words=landing_check(row["check_name"], row["column_name"]),
            records=row["records"],
            failures=row["failures"],
            worst_share=row["worst"],
            batches_over=row["batches_over"],
        )
        for row in sorted(found, key=lambda r: (order.index(r["entity"]), r["column_name"]))
    )


def versions() -> tuple[tuple[str, str], ...]:
    """Python and the packages that the figures come from."""
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            found.append((package, "not installed"))
    return tuple(found)


def how_to_repeat(settings: Settings) -> tuple[str, ...]:
    """Commands that make the same tables and report again, from the project's folder."""
    lake = settings.lake
    is_inside = lake.is_relative_to(settings.project)
    place = lake.relative_to(settings.project) if is_inside else lake
    given = f"RECOMART_SHOP={settings.shop} RECOMART_LAKE={place}"
    return (
        f"export {plain(given)}",
        "recomart ingest       # loads what is new; files loaded before are left alone",
        "recomart transform    # judges every record by the rules, tests, reconciles",
        "recomart report       # this report, from the same tables",
        "recomart quarantine   # counts and lists what is in quarantine",
        "sha256sum <lake>/raw/<source>/<entity>/ingest_date=*/*    # the files as received",
    )
