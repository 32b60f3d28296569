"""Whether the model that serves is worth it: what an evaluation says, in words for a manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from feature_store.model_evaluation import (
    LEAST_USERS,
    MAIN,
    Evaluation,
    Figure,
    KindResult,
    rule_words,
)

Standing = Literal["better", "not proven", "worse", "a simple rule", "not measured"]
POPULARITY_DOMINATES, MANY_NEW_USERS, MANY_NEW_PRODUCTS, FEW_CANDIDATES = 0.5, 0.3, 0.2, 0.3
"""Shares from which a reason is worth a sentence; of candidates, below which."""
MOST_USERS = 10_000_000
"""More users than that are no advice."""


@dataclass(frozen=True)
class Worth:
    """What to think of a model.

    Args:
        sentence: the answer.
        reasons: why it is not better, when it is not.
        worse_for: groups of users or products for which the simple rule is better, in words.
    """

    standing: Standing
    sentence: str
    reasons: tuple[str, ...] = ()
    worse_for: tuple[str, ...] = ()


def judge(evaluation: Evaluation, kind: str) -> Worth:
    """Compare a kind with the best simple rule of the same users."""
    result = evaluation.of(kind)
    rule = None if evaluation.rule is None else evaluation.of(evaluation.rule)
    if result is None or rule is None or not evaluation.users:
        return Worth("not measured", _unmeasured(evaluation, kind))
    mine, theirs = result.figures[MAIN], rule.figures[MAIN]
    lift = result.lift[MAIN]
    name = rule_words(rule.name)
    worse_for = tuple(
        group.words
        for group in evaluation.groups
        if group.users >= LEAST_USERS and kind in group.lift and group.lift[kind].is_below_0
    )
    if kind in simple_kinds(evaluation):
        return Worth(
            "a simple rule",
            f"What serves is itself a simple rule, {kind}: nothing that was learned ranked better on "
            f"the validation window. Its nDCG@10 is {number(mine.mean)}; the best simple rule on the "
            f"{evaluation.measured_on} window, {name}, has {number(theirs.mean)}.",
            why_not_better(evaluation, _best_learned(evaluation) or result),
        )
    few = evaluation.users < LEAST_USERS
    compared = (
        f"nDCG@10 {number(mine.mean)} against {number(theirs.mean)} of the best simple rule, {name}"
    )
    if lift.is_above_0 and not few:
        return Worth(
            "better",
            f"Yes: {kind} is better than every simple rule that was tried. {compared}: "
            f"{change(lift, theirs)}.",
            worse_for=worse_for,
        )
    if lift.is_below_0 and not few:
        return Worth(
            "worse",
            f"No: {kind} is worse than a simple rule. {compared}: {change(lift, theirs)}. "
            "'recomart champion promote' can let another kind serve.",
            why_not_better(evaluation, result),
            worse_for,
        )
    return Worth(
        "not proven",
        f"Not proven: {kind} is not surely better than a simple rule. {compared}: "
        f"{change(lift, theirs)}, which may be chance.",
        why_not_better(evaluation, result),
        worse_for,
    )


def simple_kinds(evaluation: Evaluation) -> set[str]:
    """The kinds that are simple rules."""
    return {rule.name.partition(" ")[0] for rule in evaluation.rules}


def change(lift: Figure, rule: Figure) -> str:
    """A lift in words: '+0.080 (88% more), and with 95% confidence +0.060 to +0.101'."""
    relative = ""
    if lift.mean is not None and rule.mean:
        percent = 100 * lift.mean / rule.mean
        relative = f" ({abs(percent):.0f}% {'more' if percent >= 0 else 'less'})"
    return (
        f"{signed(lift.mean)}{relative}, and with 95% confidence {signed(lift.low)} to "
        f"{signed(lift.high)}"
    )


def why_not_better(evaluation: Evaluation, result: KindResult) -> tuple[str, ...]:
    """What in the data keeps a kind from being, or from being shown to be, better."""
    found = []
    if enough := _users_needed(evaluation, result.lift.get(MAIN)):
        found.append(enough)
    share = evaluation.liked_top_sellers
    if share is not None and share >= POPULARITY_DOMINATES:
        found.append(
            f"Popularity dominates: {percent(share)} of what users came to like is among the "
            "best-selling tenth of the catalogue, so to know what sells is most of what there is to "
            "know."
        )
    of = {group.name: group for group in evaluation.groups}
    new_users, new_products = of.get("users_0"), of.get("products_new")
    if new_users is not None and new_users.share >= MANY_NEW_USERS:
        found.append(
            f"Many new users: {percent(new_users.share)} of the users had done nothing before, and "
            "for them no model knows more than what is popular."
        )
    if new_products is not None and new_products.share >= MANY_NEW_PRODUCTS:
        found.append(
            f"Many new products: {percent(new_products.share)} of what users came to like had not "
            "been touched by anybody before."
        )
    for one in evaluation.candidates:
        mean = one.recall.mean
        if one.source == "all" and mean is not None and mean < FEW_CANDIDATES:
            found.append(
                f"Few candidates: all sources together propose {percent(mean)} of what a user came "
                "to like; what nobody proposes cannot be ranked."
            )
    return tuple(found) or (
        "No single cause stands out: what was learned says little more than the simple rule does.",
    )


def _users_needed(evaluation: Evaluation, lift: Figure | None) -> str | None:
    """How many users a difference of this size would need, by the width of its interval."""
    if lift is None or lift.mean is None or lift.low is None or lift.high is None:
        return None
    users = f"{evaluation.users:,} user{'' if evaluation.users == 1 else 's'}"
    if evaluation.users < LEAST_USERS:
        return (
            f"Too few users: {users} could be asked about. Below {LEAST_USERS}, no difference can be "
            "distinguished from chance."
        )
    half = (lift.high - lift.low) / 2
    if not lift.low <= 0 <= lift.high or lift.mean <= 0 or half == 0:
        return None
    needed = evaluation.users * (half / lift.mean) ** 2
    if needed > MOST_USERS:
        return None
    return (
        f"Too few users to be sure: {users} could be asked about. To be sure of a difference of "
        f"{signed(lift.mean)}, about {_round_up(needed):,} would be needed."
    )


def _round_up(value: float) -> int:
    """To two digits, up."""
    size = 10 ** max(0, len(str(int(value))) - 2)
    return int(-(-value // size) * size)


def _best_learned(evaluation: Evaluation) -> KindResult | None:
    """The kind with the best figure among those that are no simple rules."""
    learned = [
        kind
        for kind in evaluation.kinds
        if kind.role in ("source", "combiner") and kind.name not in simple_kinds(evaluation)
    ]
    return max(learned, key=lambda kind: kind.figures[MAIN].mean or 0.0, default=None)


def _unmeasured(evaluation: Evaluation, kind: str) -> str:
    if not evaluation.users:
        return (
            f"Not measured: nobody liked anything new in the {evaluation.measured_on} window, so no "
            "model can be judged. More data is needed."
        )
    return f"Not measured: the evaluation has no figure of {kind}."


def number(value: float | None) -> str:
    """Three digits; a dash for an undefined one."""
    return "–" if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """Three digits with a sign; a dash for an undefined one."""
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def percent(value: float | None) -> str:
    """A share as a percentage; a dash for an undefined one."""
    return "–" if value is None else f"{100 * value:.0f}%"
