"""Prints what a few clicks changed."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from feature_store.snapshots import current_snapshot
from orchestration.click_demo import SHOWN, ClickDemo
from recomart.settings import Settings
from training.labels import load_catalogue


def print_click_demo(settings: Settings, demo: ClickDemo, console: Console) -> None:
    """Print the clicks, the features that changed, and the lists before, now and trending."""
    titles = {i.product_id: i.title or i.product_id for i in demo.before.items + demo.after.items}
    console.print(
        f"[bold]Live[/] · {len(demo.events)} clicks of user {escape(demo.user_id)} went through "
        f"the stream: {_actions(demo, titles)}"
    )
    console.print(_features(demo))
    console.print()
    console.print(_lists(settings, demo))


def _actions(demo: ClickDemo, titles: dict[str, str]) -> str:
    """What the user did with each product. A buyer has also looked at it."""
    products = dict.fromkeys(event.product_id for event in demo.events if event.product_id)
    return ", ".join(
        f"{'bought' if product in demo.bought else 'looked at'} {escape(titles[product])}"
        for product in products
    )


def _features(demo: ClickDemo) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("real-time feature")
    table.add_column("before", justify="right")
    table.add_column("")
    table.add_column("now", justify="right")
    for change in demo.changes:
        table.add_row(change.feature, _value(change.before), "→", _value(change.after))
    return table


def _value(value: object) -> str:
    if value is None:
        return "[dim]–[/]"
    return f"{value:,.2f}" if isinstance(value, float) else escape(str(value))


def _lists(settings: Settings, demo: ClickDemo) -> Table:
    catalogue = load_catalogue(current_snapshot(settings).folder)
    columns = {
        "list before": [item.product_id for item in demo.before.items],
        "list now": [item.product_id for item in demo.after.items],
        "trending now": [item.product_id for item in demo.trending],
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
            sold = name == "list before" and product in demo.bought
            cells.append(f"[strike dim]{title}[/] bought" if sold else title)
        table.add_row(*cells)
    return table
