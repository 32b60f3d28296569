"""What was measured, how sure it is, and whether a model beats the best simple rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feature_store.model_evaluation import LEAST_USERS
from training import metrics
from training.bootstrap import Interval, bootstrap
from training.evaluate import Holdout, K, Scores, evaluate_lists, hits_of
from training.interactions import FloatArray, IntArray


@dataclass(frozen=True)
class Measured:
    """What a model's lists were worth.

    Args:
        scores: means over users.
        ndcg: (users,) nDCG@10 of each.
        lists: (users, DEPTH) what was recommended.
    """

    scores: Scores
    ndcg: FloatArray
    lists: IntArray


@dataclass(frozen=True)
class Comparison:
    """A model and the best simple rule on the same users.

    Args:
        champion, rule: their names.
        champion_ndcg, rule_ndcg: nDCG@10 with intervals.
        lift: the paired difference, champion minus rule.
        users: who were asked about.
    """

    champion: str
    rule: str
    champion_ndcg: Interval
    rule_ndcg: Interval
    lift: Interval
    users: int

    @property
    def is_better(self) -> bool:
        """Whether the whole interval of the lift is above 0, over enough users to believe it."""
        return self.lift.low > 0 and self.users >= LEAST_USERS

    @property
    def verdict(self) -> str:
        """The lift with its interval, and what it means."""
        lift = self.lift
        span = f"{lift.mean:+.3f} [{lift.low:+.3f}, {lift.high:+.3f}]"
        if self.is_better:
            return f"{span}, better"
        if self.users < LEAST_USERS:
            return f"{span}, but of {self.users} users only"
        return f"{span}, {'worse' if lift.high < 0 else 'not surely better'}"


def measured(lists: IntArray, held_out: Holdout, predicted: FloatArray | None) -> Measured:
    """Metrics of lists, and nDCG@10 of each user."""
    hits = hits_of(lists, held_out.users, held_out.relevant)
    relevant = np.diff(held_out.relevant.indptr)[held_out.users].astype(np.int64)
    return Measured(
        evaluate_lists(lists, held_out, predicted), metrics.ndcg(hits, relevant, K), lists
    )


def compared(
    champion: str,
    figures: Mapping[str, Measured],
    rules: Mapping[str, Measured],
    *,
    seed: int,
) -> Comparison | None:
    """The champion and the simple rule that was best on the same users; None without either."""
    best = max(rules, key=lambda name: rules[name].scores.ndcg_at_10, default=None)
    if best is None or champion not in figures or not len(figures[champion].ndcg):
        return None
    mine, rule = figures[champion].ndcg, rules[best].ndcg
    return Comparison(
        champion,
        best,
        bootstrap(mine, seed=seed),
        bootstrap(rule, seed=seed),
        bootstrap(mine - rule, seed=seed),
        len(mine),
    )
