"""What an experiment's models were worth: every figure with its interval, and the best simple rule.

All figures are of the test case, or of the validation case where a shop has too few days for a test.
Intervals are of users drawn again and again (`training/bootstrap.py`); a lift is paired: the same
users, the same draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feature_store.model_evaluation import (
    DIGITS,
    FORMAT,
    MAIN,
    CandidateRecall,
    Evaluation,
    Figure,
    Group,
    KindResult,
    RuleResult,
)
from training import metrics
from training.bootstrap import Interval, intervals
from training.comparison import Measured
from training.evaluate import K, hits_of
from training.experiment import Experiment
from training.interactions import BoolArray, FloatArray, IntArray
from training.kinds import KINDS
from training.labels import ShopData
from training.pools import Pool
from training.protocols import Case
from training.user_groups import owners_of, parts_of

LENGTHS = (5, 10, 20)
"""Of the lists that are looked at."""
UNION = "all"


def evaluation_of(data: ShopData, experiment: Experiment, *, seed: int) -> Evaluation | None:
    """What the experiment found; None for a shop with too few days to hold anything out."""
    if not experiment.cases.judged:
        return None
    case = experiment.cases.judged[-1]
    bench = _Bench.of(data, experiment, case, seed)
    truth = case.holdout.relevant[case.holdout.users]
    validation, test = experiment.cases.validation, experiment.cases.test
    return Evaluation(
        format=FORMAT,
        shop=data.rules.name,
        snapshot=data.snapshot,
        as_of=str(data.rules.as_of),
        protocol=experiment.protocol.name,
        protocol_words=experiment.protocol.words,
        relevant=data.rules.relevant,
        measured_on="validation" if test is None else "test",
        window=case.name,
        validation_cut=_cut(validation, experiment),
        test_cut=_cut(test, experiment),
        users=len(case.holdout.users),
        products=int(case.holdout.candidates.sum()),
        liked=int(truth.nnz),
        liked_top_sellers=rounded(float(bench.top[truth.indices].mean())) if truth.nnz else None,
        champion=experiment.ranking[0],
        rule=bench.rule,
        kinds=bench.kinds(),
        rules=bench.rules(),
        groups=bench.groups(),
        candidates=candidate_recall(experiment.pool, case, seed=seed),
    )


def user_figures(hits: BoolArray, relevant: IntArray) -> dict[str, FloatArray]:
    """(users,) each measure at each of LENGTHS, by `<measure>@<length>`.

    Args:
        hits: (users, at least the longest of LENGTHS).
        relevant: (users,) how many products each could have hit.
    """
    found = {}
    for k in LENGTHS:
        found[f"ndcg@{k}"] = metrics.ndcg(hits, relevant, k)
        found[f"recall@{k}"] = metrics.recall(hits, relevant, k)
        found[f"map@{k}"] = metrics.average_precision(hits, relevant, k)
        found[f"mrr@{k}"] = metrics.reciprocal_rank(hits[:, :k], relevant)
        found[f"hit_rate@{k}"] = metrics.hit_rate(hits, relevant, k)
    return found


def candidate_recall(pool: Pool | None, case: Case, *, seed: int) -> tuple[CandidateRecall, ...]:
    """What share of the users' relevant products each source proposed, and all together."""
    if pool is None or pool.relevant is None or not pool.users:
        return ()
    liked = np.diff(case.holdout.relevant[case.holdout.users].indptr)
    sources = [name.removesuffix("_rank") for name in pool.names if name.endswith("_rank")]
    proposed = {source: np.isfinite(pool.column(f"{source}_rank")) for source in sources}
    proposed[UNION] = np.ones(len(pool.row), dtype=bool)
    columns = [
        np.bincount(pool.row, here & pool.relevant, pool.users) / liked
        for here in proposed.values()
    ]
    return tuple(
        CandidateRecall(
            source=source,
            recall=figure(interval),
            products=round(float(here.sum()) / pool.users, 1),
        )
        for (source, here), interval in zip(
            proposed.items(), intervals(np.column_stack(columns), seed=seed), strict=True
        )
    )


def figure(interval: Interval) -> Figure:
    """An interval as it is written; undefined numbers are None."""
    return Figure(
        mean=rounded(interval.mean), low=rounded(interval.low), high=rounded(interval.high)
    )


def rounded(value: float) -> float | None:
    """The value as it is written: None when it is undefined."""
    return round(value, DIGITS) if math.isfinite(value) else None


@dataclass(frozen=True)
class _Bench:
    """The lists of one case, and what is known of its users and products.

    Args:
        lists: by kind, and of the best simple rule by its name.
        owners: (products,) users who had each product before; `had` users did anything.
        top: (products,) the best-selling tenth.
        rule: the best simple rule; None without one.
    """

    experiment: Experiment
    case: Case
    seed: int
    lists: Mapping[str, Measured]
    owners: IntArray
    had: int
    top: BoolArray
    rule: str | None

    @classmethod
    def of(cls, data: ShopData, experiment: Experiment, case: Case, seed: int) -> _Bench:
        found = experiment.comparison
        rule = None if found is None else found.rule
        lists = dict(experiment.test or experiment.validation)
        if rule is not None:
            lists[rule] = experiment.rules[rule]
        owners, had = owners_of(case.events, len(data.products))
        top = metrics.top_sellers(owners, case.holdout.candidates)
        return cls(experiment, case, seed, lists, owners, had, top, rule)

    def kinds(self) -> tuple[KindResult, ...]:
        """Every kind, the best by validation first, and the best simple rule last."""
        relevant = np.diff(self.case.holdout.relevant[self.case.holdout.users].indptr)
        users, holdout = self.case.holdout.users, self.case.holdout
        figures = {
            name: user_figures(hits_of(one.lists, users, holdout.relevant), relevant)
            for name, one in self.lists.items()
        }
        found, lift = self._with_lift(figures)
        order = [name for name in self.experiment.ranking if name in self.lists]
        order += [name for name in self.lists if name not in order]
        return tuple(self._result(name, found[name], lift.get(name, {})) for name in order)

    def rules(self) -> tuple[RuleResult, ...]:
        """Every simple rule, the best first."""
        rules = self.experiment.rules
        order = sorted(rules, key=lambda name: (-rules[name].scores.ndcg_at_10, name))
        if not len(self.case.holdout.users):
            return ()
        columns = (
            np.column_stack([rules[name].ndcg for name in order]) if order else np.empty((0, 0))
        )
        found = intervals(columns, seed=self.seed)
        return tuple(
            RuleResult(name=name, ndcg=figure(one)) for name, one in zip(order, found, strict=True)
        )

    def groups(self) -> tuple[Group, ...]:
        """nDCG@10 of every kind for parts of the users and of the products."""
        groups = []
        everywhere = self.case.holdout.relevant[self.case.holdout.users]
        for part in parts_of(self.case):
            relevant = np.diff(part.relevant.indptr)[part.rows]
            figures = {
                name: {
                    MAIN: metrics.ndcg(
                        hits_of(one.lists[part.rows, :K], part.rows, part.relevant), relevant, K
                    )
                }
                for name, one in self.lists.items()
            }
            found, lift = self._with_lift(figures)
            of_users = len(part.rows) / max(1, len(self.case.holdout.users))
            share = of_users if part.of == "users" else part.relevant.nnz / max(1, everywhere.nnz)
            groups.append(
                Group(
                    name=part.name,
                    words=part.words,
                    of=part.of,
                    users=len(part.rows),
                    share=round(share, DIGITS),
                    ndcg={name: one[MAIN] for name, one in found.items()},
                    lift={name: one[MAIN] for name, one in lift.items()},
                )
            )
        return tuple(groups)

    def _with_lift(
        self, figures: Mapping[str, Mapping[str, FloatArray]]
    ) -> tuple[dict[str, dict[str, Figure]], dict[str, dict[str, Figure]]]:
        """Each figure of each kind, and its paired difference to the best simple rule."""
        names = [(kind, name) for kind, values in figures.items() for name in values]
        columns = [figures[kind][name] for kind, name in names]
        if self.rule is not None:
            columns += [figures[kind][name] - figures[self.rule][name] for kind, name in names]
        found = intervals(np.column_stack(columns), seed=self.seed)
        tables: tuple[dict[str, dict[str, Figure]], ...] = ({}, {})
        for at, interval in enumerate(found):
            kind, name = names[at % len(names)]
            tables[at // len(names)].setdefault(kind, {})[name] = figure(interval)
        tables[1].pop(self.rule or "", None)
        return tables[0], tables[1]

    def _result(self, name: str, figures: dict[str, Figure], lift: dict[str, Figure]) -> KindResult:
        first = self.lists[name].lists[:, :K]
        chosen = self.experiment.validation.get(name)
        return KindResult(
            name=name,
            role="rule" if name == self.rule else KINDS.get(name).role,
            parameters={} if name == self.rule else dict(self.experiment.parameters[name]),
            validation_ndcg=None if chosen is None else rounded(chosen.scores.ndcg_at_10),
            figures=figures,
            lift=lift,
            coverage=rounded(metrics.coverage(first, int(self.case.holdout.candidates.sum()))),
            novelty=_mean(metrics.novelty(first, self.owners, self.had)),
            personalisation=rounded(metrics.personalisation(first, len(self.owners))),
            top_sellers=_mean(metrics.top_seller_share(first, self.top)),
            rmse=rounded(self.lists[name].scores.rmse),
        )


def _mean(values: FloatArray) -> float | None:
    there = values[np.isfinite(values)]
    return rounded(float(there.mean())) if len(there) else None


def _cut(case: Case | None, experiment: Experiment) -> str | None:
    """When a case begins, where the protocol is one of times."""
    return None if case is None or not experiment.cases.as_of else str(case.now)
