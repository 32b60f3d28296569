"""Prints recommendations and online features."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recomart.errors import NothingPublished
from recomart.settings import Settings

if TYPE_CHECKING:
    from feature_store.online.lookup import FeatureValue
    from training.recommend import Recommendations
    from training.tune import Tuned

TEXT_WIDTH = 40
"""Longer texts are cut off in tables."""


def print_recommendations(found: Recommendations, console: Console | None = None) -> None:
    """Print a table of products with score and reason, and the user and model above it."""
    console = console or Console(highlight=False)
    model = f"{found.kind}, model version {found.model_version}"
    if found.user_id is None:
        console.print(f"[bold]For this session[/] · {model}")
    elif found.known:
        console.print(f"[bold]For user {escape(found.user_id)}[/] · {model}")
    else:
        console.print(
            f"User {escape(found.user_id)} is unknown; these products are popular · {model}"
        )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", justify="right")
    table.add_column("product")
    table.add_column("category")
    table.add_column("score", justify="right")
    table.add_column("why")
    for place, item in enumerate(found.items, start=1):
        title = escape(item.title or item.product_id)
        reason = escape(item.reason)
        table.add_row(str(place), title, escape(item.category), f"{item.score:.3f}", reason)
    console.print(table)


def print_tuned(found: Tuned) -> None:
    """Print what tuning found: nDCG@10 on the validation window before and after, by kind."""
    console = Console(highlight=False)
    console.print(f"{found.tries} tries. nDCG@10 on the validation window:")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name, justify in (("kind", "left"), ("before", "right"), ("best", "right")):
        table.add_column(name, justify=cast(Any, justify))
    table.add_column("parameters")
    for kind, best in sorted(found.after.items(), key=lambda item: -item[1]):
        before = f"{found.before[kind]:.4f}" if kind in found.before else ""
        parameters = ", ".join(f"{k}={v}" for k, v in found.best.get(kind, {}).items())
        table.add_row(kind, before, f"{best:.4f}", escape(parameters))
    console.print(table)
    console.print("'recomart train' uses them from now on.")


def print_features(values: Iterable[FeatureValue], title: str) -> None:
    """Print a table of online features: view, feature, value, status and age."""
    console = Console(highlight=False)
    table = Table(title=escape(title), title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in ("view", "feature", "value", "status", "age"):
        # long values wrap, so that a narrow terminal does not cut off the status
        is_value = name == "value"
        table.add_column(name, justify="right" if is_value else "left", no_wrap=not is_value)
    for row in values:
        shown = escape(_value(row.value))
        table.add_row(row.view, row.feature, shown, row.status, _duration(row.age))
    console.print(table)


def _value(value: object) -> str:
    """A readable value: times to the minute, numbers to four places, long texts cut off."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if len(value) <= TEXT_WIDTH else f"{value[: TEXT_WIDTH - 1]}…"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:,.4f}" if isinstance(value, float) else f"{value}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def example_user(settings: Settings) -> str:
    """A user for an example: the most recently active one with at least ten products.

    Raises:
        NothingPublished: there is no published snapshot.
    """
    import duckdb

    path = settings.current_features / "fct_user_products.parquet"
    if not path.exists():
        raise NothingPublished("no features are published yet", help="run 'recomart publish'")
    found = duckdb.execute(
        """
        select user_id
        from read_parquet(?)
        group by user_id
        order by count(*) >= 10 desc, max(last_at) desc, count(*) desc, user_id
        limit 1
        """,
        [str(path)],
    ).fetchone()
    if found is None:
        raise NothingPublished("the published features contain no user", help="see the report")
    return found[0]
