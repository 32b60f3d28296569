"""Printing quarantine, lineage and published snapshots for a person.

Texts from data pass through `one_line`, because they may hold terminal escapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from quality.plain_text import one_line

if TYPE_CHECKING:
    from feature_store.publish.publish_log import ViewPublication
    from feature_store.publish.restore import Published
    from quality.lineage import Branch, FileGroup, Node, Walk
    from quality.quarantine import QuarantinedRow, ReasonCount

VALUE_WIDTH = 40
FACT_WIDTH = 100
PIPE_WIDTH = 1_000
HISTORY_WIDTH = 100
"""Columns for the tables of snapshots: a narrower terminal wraps lines, so that no hash is cut."""
PUBLICATIONS_SHOWN = 20


def print_quarantine(counts: Iterable[ReasonCount]) -> None:
    """A table of the reasons for quarantine, with how many rows each has."""
    listed = list(counts)
    console = Console(highlight=False)
    if not listed:
        console.print("nothing is in quarantine, and every line could be read")
        return
    table = _table("entity", "reason", "rows", "batches", right=("rows", "batches"))
    for count in listed:
        entity = count.entity or "unreadable lines"
        table.add_row(entity, one_line(count.reason, 40), f"{count.rows:,}", f"{count.batches:,}")
    console.print(table)
    console.print(
        Text("rows as received: recomart quarantine <entity or lines> [--reason CODE]", style="dim")
    )


def print_quarantined_rows(rows: Iterable[QuarantinedRow]) -> None:
    """Each row as received, below its place and its reasons."""
    console = Console(highlight=False, soft_wrap=True)
    listed = list(rows)
    if not listed:
        console.print("no row in quarantine matches")
    for row in listed:
        place = "" if row.place is None else f":{row.place}"
        reasons = ", ".join(one_line(reason) for reason in row.reasons)
        console.print(
            Text.assemble(
                (f"{one_line(row.source_file, FACT_WIDTH)}{place}", "bold"),
                f"  batch {row.batch_id}  ",
                (reasons, "red"),
            )
        )
        values = (
            f"{name}={'null' if value is None else one_line(value, VALUE_WIDTH)}"
            for name, value in row.values
        )
        console.print(Text("  " + "  ".join(values)))


def print_lineage(walk: Walk, *, full: bool = False) -> None:
    """Both trees of a walk, and the files and models at their ends."""
    terminal = Console().is_terminal
    # a tree crops its lines at the width, and nobody can search for a sha256 that is cut
    console = Console(highlight=False, width=None if terminal else PIPE_WIDTH)
    if walk.up:
        console.print(_tree("was made from", walk.start, walk.up, full))
    if walk.down:
        console.print(_tree("went into", walk.start, walk.down, full))
    if walk.files:
        console.print(Text("files", style="bold"))
    for group in walk.files:
        console.print(Text(f"  {_summary(group)}"))
        for load in group.loads if full or len(group.loads) == 1 else ():
            place = one_line(load.landed_file or load.source_file, FACT_WIDTH)
            console.print(Text(f"    {load.batch_id}  {load.sha256}  {place}"))
    if walk.models:
        versions = ", ".join(f"{m.version} ({m.tags.get('kind', '?')})" for m in walk.models)
        console.print(Text.assemble(("model versions  ", "bold"), versions))
    for note in walk.notes:
        console.print(Text(note, style="dim"))


def _tree(title: str, start: Node, branches: Iterable[Branch], full: bool) -> Tree:
    tree = Tree(Text.assemble((f"{start.kind} {one_line(start.name)}", "bold"), f"  {title}"))
    for branch in branches:
        _grow(tree, branch, full)
    return tree


def _grow(tree: Tree, branch: Branch, full: bool) -> None:
    node = branch.node
    label = Text.assemble(
        (f"{branch.why} " if branch.why else "", "dim"),
        f"{node.kind} ",
        (one_line(node.name, FACT_WIDTH), "bold"),
        (_facts(node), "dim"),
        (" (as above)" if branch.seen else "", "dim"),
    )
    below = tree.add(label)
    if full or not branch.folded:
        for next_branch in branch.branches:
            _grow(below, next_branch, full)


def _facts(node: Node) -> str:
    return "".join(f" · {name} {one_line(value, FACT_WIDTH)}" for name, value in node.facts)


def _summary(group: FileGroup) -> str:
    files = f"{len(group.loads):,} file{'s' if len(group.loads) != 1 else ''}"
    role = {
        "values": f"values of {', '.join(group.columns)}",
        "rows": "only decide which rows count",
        "all": "",
    }[group.role]
    return f"{group.entity}: {files}, {group.records:,} records{'; ' if role else ''}{role}"


def print_history(published: Iterable[Published]) -> None:
    """A table of the kept snapshots, newest first."""
    table = _table(
        "", "hash", "published", "as of", "rows", "batches", "models", right=("rows", "batches")
    )
    for snapshot in published:
        models = spans([int(model.version) for model in snapshot.models])
        table.add_row(
            "▸" if snapshot.current else "",
            snapshot.hash,
            f"{snapshot.published_at:%Y-%m-%d %H:%M}",
            f"{snapshot.as_of:%Y-%m-%d %H:%M}",
            f"{sum(snapshot.rows.values()):,}",
            f"{len(snapshot.batches):,}",
            one_line(models) or "–",
        )
    console = Console(highlight=False, width=max(Console().width, HISTORY_WIDTH))
    console.print(table)
    console.print(Text("to restore one: recomart features history --restore <hash>", style="dim"))


def spans(numbers: Iterable[int]) -> str:
    """Ascending numbers in short: 1-3, 7 for 1, 2, 3 and 7."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def print_publications(views: Sequence[ViewPublication]) -> None:
    """A table of the last publishes, a line for each view, newest first."""
    console = Console(highlight=False, width=max(Console().width, HISTORY_WIDTH))
    if not views:
        console.print("nothing was published to Redis from this lake yet: run 'recomart publish'")
        return
    counts = ("entities", "written", "deleted", "seconds")
    table = _table("published", "view", "snapshot", *counts, right=counts)
    for view in views[:PUBLICATIONS_SHOWN]:
        table.add_row(
            f"{view.published_at:%Y-%m-%d %H:%M:%S}",
            view.view,
            view.snapshot,
            f"{view.rows:,}",
            f"{view.written:,}{' (all)' if view.everything else ''}",
            f"{view.deleted:,}",
            f"{view.seconds:.2f}",
        )
    console.print(table)


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    return table
