"""Prints what models are worth, and which versions are registered, on 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from feature_store.model_evaluation import (
    LEAST_USERS,
    MAIN,
    Evaluation,
    Figure,
    KindResult,
    rule_words,
)
from feature_store.registered_models import (
    CHAMPION,
    EVALUATION,
    FEATURES_HASH,
    KIND,
    LIFT,
    PROTOCOL,
    TEST_CUT,
    VALIDATION_NDCG,
)
from quality.worth import judge, number, percent, signed

if TYPE_CHECKING:
    from feature_store.registered_models import ModelVersion

AT_TEN = ("recall@10", "map@10", "mrr@10", "hit_rate@10")
DEPTHS = ("ndcg@5", "ndcg@20", "recall@5", "recall@20", "hit_rate@5", "hit_rate@20")
RULE = "simple rule"


def print_evaluation(found: Evaluation, path: Path, console: Console | None = None) -> None:
    """The answer, every kind's figures, the users and products apart, and the candidates."""
    console = console or Console(highlight=False)
    console.print(
        f"[bold]{escape(found.shop)}[/] · {found.protocol}: {escape(found.protocol_words)}\n"
        f"{found.measured_on} {escape(found.window)} · {found.users:,} users · "
        f"{found.products:,} products · features {found.snapshot[:8]}"
    )
    worth = judge(found, found.champion)
    console.print(f"\n{escape(worth.sentence)}")
    for reason in worth.reasons:
        console.print(f"· {escape(reason)}")
    if worth.worse_for:
        console.print(f"· the rule is better for: {escape(', '.join(worth.worse_for))}")
    if not found.users:
        return
    if found.rule is not None:
        console.print(
            f"\n[dim]{RULE}: {escape(rule_words(found.rule))}, the best of {len(found.rules)}; "
            "in brackets 95% intervals over users[/]"
        )
    for table in (_main(found), _deeper(found), _beyond(found), _groups(found), _sources(found)):
        if table.row_count:
            console.print()
            console.print(table)
    console.print(f"\n[dim]{escape(str(path))}[/]", soft_wrap=True)


def print_versions(
    versions: Sequence[ModelVersion],
    champions: Sequence[str],
    *,
    every: bool,
    console: Console | None = None,
) -> None:
    """The registered versions, the newest first; all of them, or the newest training's and those
    that were champion."""
    console = console or Console(highlight=False)
    if not versions:
        console.print("no model is registered yet: run 'recomart train'")
        return
    newest = versions[-1].tags.get(EVALUATION, versions[-1].version)
    shown = [
        version
        for version in reversed(versions)
        if every
        or version.tags.get(EVALUATION, version.version) == newest
        or version.version in champions
        or version.aliases
    ]
    table = _table("", "v", "kind", "features", "tested", "from", "valid.", "lift")
    for version in shown:
        tags = version.tags
        serves = CHAMPION in version.aliases
        was = version.version in champions
        table.add_row(
            "▸" if serves else "·" if was else "",
            version.version,
            tags.get(KIND, "?"),
            tags.get(FEATURES_HASH, "")[:8] or "–",
            tags.get(PROTOCOL, "–"),
            tags.get(TEST_CUT, "–")[:10],
            tags.get(VALIDATION_NDCG, "–"),
            Text(tags.get(LIFT, "–")),
            style="bold" if serves else None,
        )
    console.print(table)
    left = len(versions) - len(shown)
    more = f"; {left} more with --all" if left else ""
    console.print(
        f"[dim]▸ serves, · served before{more}. Lift: nDCG@10 minus that of the best simple rule.[/]"
    )


def _main(found: Evaluation) -> Table:
    table = _table("lists of 10", "nDCG", "over the rule", "recall", "MAP", "MRR", "hit")
    for kind in found.kinds:
        lift = kind.lift.get(MAIN)
        table.add_row(
            _name(kind),
            _interval(kind.figures[MAIN]),
            "" if lift is None else _interval(lift, sign=True),
            *(_short(kind.figures[name]) for name in AT_TEN),
            style="bold" if kind.name == found.champion else None,
        )
    return table


def _deeper(found: Evaluation) -> Table:
    table = _table(
        "other lengths", *(name.replace("_", " ").replace("ndcg", "nDCG") for name in DEPTHS)
    )
    for kind in found.kinds:
        table.add_row(_name(kind), *(_short(kind.figures[name]) for name in DEPTHS))
    return table


def _beyond(found: Evaluation) -> Table:
    table = _table(
        "beyond hits", "catalogue", "novelty", "personal", "top sellers", "RMSE", "validation"
    )
    for kind in found.kinds:
        table.add_row(
            _name(kind),
            percent(kind.coverage),
            "–" if kind.novelty is None else f"{kind.novelty:.1f} bits",
            "–" if kind.personalisation is None else f"{kind.personalisation:.2f}",
            percent(kind.top_sellers),
            number(kind.rmse),
            number(kind.validation_ndcg),
        )
    return table


def _groups(found: Evaluation) -> Table:
    table = _table("before the window", "users", "share", found.champion, RULE, "over the rule")
    for group in found.groups:
        mine, lift = group.ndcg.get(found.champion), group.lift.get(found.champion)
        rule = None if found.rule is None else group.ndcg[found.rule]
        table.add_row(
            group.words,
            f"{group.users:,}",
            percent(group.share),
            _short(mine),
            _short(rule),
            _few(lift) if group.users < LEAST_USERS else _interval(lift, sign=True),
        )
    return table


def _sources(found: Evaluation) -> Table:
    table = _table("candidates", "recall", "products a user")
    for one in found.candidates:
        name = "all together" if one.source == "all" else one.source
        table.add_row(name, _interval(one.recall), f"{one.products:,.0f}")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    left = {"", "kind", "features", "tested", "from"}
    for place, column in enumerate(columns):
        first = place == 0 or column in left
        table.add_column(column, justify="left" if first else "right", no_wrap=place != 0)
    return table


def _name(kind: KindResult) -> str:
    return RULE if kind.role == "rule" else kind.name


def _short(found: Figure | None) -> str:
    return "–" if found is None or found.mean is None else _digits(f"{found.mean:.3f}")


def _interval(found: Figure | None, *, sign: bool = False) -> str:
    if found is None or found.mean is None:
        return "–"
    shown = [
        _digits(signed(value) if sign else number(value))
        for value in (found.mean, found.low, found.high)
    ]
    # brackets would be read as markup
    return f"{shown[0]} \\[{shown[1]}, {shown[2]}]"


def _few(found: Figure | None) -> str:
    """A difference of too few users for an interval."""
    if found is None or found.mean is None:
        return "–"
    return f"{_digits(signed(found.mean))} (few users)"


def _digits(text: str) -> str:
    """Without the 0 before the point, to save room: '.171', '+.080'."""
    return text.replace("0.", ".", 1) if text.lstrip("+−").startswith("0.") else text
