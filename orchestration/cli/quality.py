"""Verbs about the quality and the lineage of the data: report, quarantine, lineage, docs."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.app import DATA, PIPELINE, app, group
from orchestration.cli.steps import run
from orchestration.steps import by_name
from recomart.settings import load_settings

report = group("report", by_name("report").summary, PIPELINE, runs_alone=True)


@report.callback(invoke_without_command=True)
def write_report(context: typer.Context) -> None:
    """Write the data-quality report (PDF and JSON) and the exploratory plots."""
    if context.invoked_subcommand is None:
        run("report")


@report.command("eda")
def report_eda() -> None:
    """Draw only the exploratory plots."""
    from quality.eda import draw

    run("report", draw)


@app.command(rich_help_panel=DATA)
def quarantine(
    entity: Annotated[
        str | None,
        typer.Argument(
            help="Show rows of users, products, ratings, transactions or events, or the rejected "
            "'lines' (default: count everything)"
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Show only rows that were rejected for this reason")
    ] = None,
    batch: Annotated[str | None, typer.Option(help="Show only rows of this batch")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many rows")] = 20,
) -> None:
    """Count the rows in quarantine by reason, or show the rows of one entity as received."""
    from orchestration.output.quality import print_quarantine, print_quarantined_rows
    from quality.quarantine import counts, rows

    settings = load_settings()
    if entity is None and reason is None:
        print_quarantine(counts(settings, batch))
    else:
        records = None if entity == "lines" else entity
        print_quarantined_rows(rows(settings, records, reason, limit, batch))


@app.command(rich_help_panel=DATA)
def lineage(
    thing: Annotated[
        str,
        typer.Argument(
            help="Trace a model version (champion, model:4), a feature, a table, a snapshot's hash, "
            "a file, a batch, or the start of a sha256"
        ),
    ] = "champion",
    full: Annotated[bool, typer.Option("--full", help="List every file instead of counts")] = False,
) -> None:
    """Show what something was made from, down to the files, and what was made from it."""
    from orchestration.output.quality import print_lineage
    from quality import lineage as trace

    print_lineage(trace.walk(load_settings(), thing), full=full)


@app.command(rich_help_panel=DATA)
def docs() -> None:
    """Write the warehouse's documentation, its column lineage, and OpenLineage events."""
    from orchestration.dbt_folder import target_path
    from orchestration.transform import docs as write_docs
    from quality import lineage as trace

    settings = load_settings()
    typer.echo(write_docs(settings))
    typer.echo(trace.columns_page(settings, target_path(settings)))
    typer.echo(trace.export(settings))
