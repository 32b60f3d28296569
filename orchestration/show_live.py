"""Printing what a few clicks changed."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from feature_store.snapshots import current_snapshot
from orchestration.live import SHOWN, Live
from recomart.settings import Settings
from training.labels import load_catalogue


def show_live(settings: Settings, live: Live, console: Console) -> None:
    """What the user did, the features that moved, and lists side by side: before, now, trending."""
    titles = {i.product_id: i.title or i.product_id for i in live.before.items + live.after.items}
    console.print(
        f"[bold]Live[/] · {len(live.events)} clicks of user {escape(live.user_id)} went through "
        f"the stream: {_deeds(live, titles)}"
    )
    console.print(_features(live))
    console.print()
    console.print(_lists(settings, live))


def _deeds(live: Live, titles: dict[str, str]) -> str:
    """Product by product; who bought something also looked at it."""
    products = dict.fromkeys(event.product_id for event in live.events if event.product_id)
    return ", ".join(
        f"{'bought' if product in live.bought else 'looked at'} {escape(titles[product])}"
        for product in products
    )


def _features(live: Live) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("real-time feature")
    table.add_column("before", justify="right")
    table.add_column("")
    table.add_column("now", justify="right")
    for moved in live.moved:
        table.add_row(moved.feature, _value(moved.before), "→", _value(moved.after))
    return table


def _value(value: object) -> str:
    if value is None:
        return "[dim]–[/]"
    return f"{value:,.2f}" if isinstance(value, float) else escape(str(value))


def _lists(settings: Settings, live: Live) -> Table:
    catalogue = load_catalogue(current_snapshot(settings).folder)
    columns = {
        "list before": [item.product_id for item in live.before.items],
        "list now": [item.product_id for item in live.after.items],
        "trending now": [one.product_id for one in live.trending],
    }
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for name in columns:
        table.add_column(name, ratio=1, no_wrap=True, overflow="ellipsis")
    for place in range(SHOWN):
        cells = []
        for name, products in columns.items():
            if place >= len(products):
                cells.append("")
                continue
            product = products[place]
            title = escape(catalogue.get(product, (product, ""))[0] or product)
            left = name == "list before" and product in live.bought
            cells.append(f"[strike dim]{title}[/] bought" if left else title)
        table.add_row(*cells)
    return table
