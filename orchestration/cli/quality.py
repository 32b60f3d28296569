"""Verbs about the data's quality and its way: report, quarantine, lineage, documentation."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.app import app, group
from orchestration.cli.steps import run
from recomart.settings import load_settings

report = group("report", "The data-quality report and the exploratory plots.", alone=True)


@report.callback(invoke_without_command=True)
def report_of_a_run(context: typer.Context) -> None:
    """Write the data-quality report (PDF and JSON) and the exploratory plots."""
    if context.invoked_subcommand is None:
        run("report")


@report.command("eda")
def report_eda() -> None:
    """Draw the exploratory plots alone."""
    from quality.eda import draw

    run("report", draw)


@app.command()
def quarantine(
    entity: Annotated[
        str | None,
        typer.Argument(help="users, products, ratings, transactions, events, or lines (rejected)."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Rows with this reason alone.")] = None,
    batch: Annotated[str | None, typer.Option(help="Rows of this batch alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows to show.")] = 20,
) -> None:
    """Count what is in quarantine and why; with an entity, show its rows as received."""
    from orchestration.show_quality import show_quarantine, show_quarantined_rows
    from quality import quarantine as held

    settings = load_settings()
    if entity is None and reason is None:
        show_quarantine(held.counts(settings, batch))
    else:
        records = None if entity == "lines" else entity
        show_quarantined_rows(held.rows(settings, records, reason, limit, batch))


@app.command()
def lineage(
    thing: Annotated[
        str,
        typer.Argument(
            help="A model version (champion, model:4), a feature, a table, a snapshot's hash, "
            "a file, a batch, or the start of a sha256."
        ),
    ] = "champion",
    full: Annotated[bool, typer.Option("--full", help="Every file, not counts.")] = False,
) -> None:
    """Walk both ways: what a thing was made from, down to files, and what was made from it."""
    from orchestration.show_quality import show_lineage
    from quality import lineage as trace

    show_lineage(trace.walk(load_settings(), thing), full=full)


@app.command()
def docs() -> None:
    """Write dbt's documentation, the page of column lineage, and lineage as OpenLineage events."""
    from orchestration.dbt_folder import target_path
    from orchestration.transform import docs as write_docs
    from quality import lineage as trace

    settings = load_settings()
    typer.echo(write_docs(settings))
    typer.echo(trace.columns_page(settings, target_path(settings)))
    typer.echo(trace.export(settings))
