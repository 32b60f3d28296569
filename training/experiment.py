"""One experiment: every kind of model fitted as of each case, compared, and fitted once more to serve.

The cases are those of a protocol (`training/protocols/`), which says what is held out for what.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recomart.step import Progress, no_progress
from training.behaviour import profiles_of
from training.champion import rank_kinds
from training.comparison import Comparison, Measured, compared, measured
from training.evaluate import Holdout, K
from training.feature_tables import FeatureTables
from training.fitting import Wanted, fit_many, task_of
from training.history import Ask, feature_tables
from training.interactions import FloatArray
from training.kinds import Fit, Kind, simplest_first
from training.kinds._combined import CombinedModel, Sources
from training.kinds.svd import EPOCHS
from training.labels import ShopData
from training.local_features import moment_of
from training.metrics import rmse
from training.model import Model
from training.pools import Pool
from training.protocols import Case, Cases, Protocol
from training.protocols.time import PROTOCOL as BY_TIME
from training.ranking import filled
from training.requests import Question
from training.training_hash import training_hash

if TYPE_CHECKING:
    from feast import FeatureStore

POPULARITY, RATING_KIND = "popularity", "svd"
"""What fills lists, and the kind whose errors in ratings are drawn. Both are always trained."""
SIMPLE = ("popularity", "history")
"""The kinds that are simple rules: whatever is learned must beat the best of their tries."""
CURVE_EPOCHS = (1, 2, 5, 10)
"""How many epochs SVD is stopped after for its learning curve; EPOCHS are the curve's last point."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearningCurve:
    """SVD's errors after some epochs, on what it learned from and on the validation case."""

    epochs: tuple[int, ...]
    known: tuple[float, ...]
    held_out: tuple[float, ...]


@dataclass(frozen=True)
class Experiment:
    """What came out.

    Args:
        cases: what was held out.
        validation, test: what was measured, by kind; empty where there is no such case.
        comparison: of the champion with the best simple rule, on the test case, else on validation.
        ranking: kinds from best to worst; the first is champion.
        models: by kind, fitted on everything, for serving.
        parameters: by kind, as chosen on the validation case.
        curve: of SVD before the validation case; None without one.
        rated: (n, 2) actual and SVD's predicted ratings of the last case.
        training_hash: of what was learned from.
        candidates: rows that combiners learned from in the end.
    """

    cases: Cases
    validation: dict[str, Measured]
    test: dict[str, Measured]
    comparison: Comparison | None
    ranking: tuple[str, ...]
    models: dict[str, Model]
    parameters: dict[str, Mapping[str, Any]]
    curve: LearningCurve | None
    rated: FloatArray
    training_hash: str
    candidates: int


@dataclass
class Runner:
    """Carries out one experiment on one shop."""

    data: ShopData
    snapshot: Path
    open_store: Callable[[], FeatureStore]
    seed: int
    threads: int
    progress: Progress
    tables: dict[str, FeatureTables] = field(default_factory=dict)

    def question(self, case: Case) -> Question:
        """Whom and what the case asks."""
        users = case.holdout.users
        shape = (len(self.data.users), len(self.data.products))
        return Question(
            users=users,
            profiles=profiles_of(case.events, users, shape),
            now=case.now,
            k=K,
            candidates=case.holdout.candidates,
            excluded=case.holdout.excluded[users],
            features=self.tables.get(case.name),
            threads=self.threads,
        )

    def fetch_features(self, cases: Sequence[Case]) -> None:
        """Ask the feature store for the users of each case and all products, as of its time."""
        if not cases:
            return
        self.progress("features", 0, 0)
        asks = [Ask(case.now, case.holdout.users) for case in cases]
        found = feature_tables(self.open_store(), self.data, self.snapshot, asks)
        self.tables |= {case.name: table for case, table in zip(cases, found, strict=True)}

    def wanted(self, kind: Kind, case: Case, parameters: Mapping[str, Any], **more: Any) -> Wanted:
        """A fit as of a case."""
        task = task_of(self.data, case.known, case.events, case.now, seed=self.seed, **more)
        return Wanted(kind, task, parameters)

    def fits(self, wanted: Sequence[Wanted]) -> list[Fit | None]:
        """All fits, in their order."""
        return fit_many(wanted, threads=self.threads, progress=self.progress)

    def measure(
        self, model: Model, case: Case, popular: Model, pool: Pool | None = None
    ) -> Measured:
        """What a model's lists are worth on a case."""
        question = self.question(case)
        if pool is not None and isinstance(model, CombinedModel):
            lists = model.rank_pool(pool, K)
        else:
            lists = model.rank(question)
        longer = popular.rank(replace(question, k=2 * K))
        held_out = case.holdout
        predicted = model.ratings(held_out.rated_users, held_out.rated_products)
        return measured(filled(lists, longer), held_out, predicted)

    def pool(self, sources: Mapping[str, Model], case: Case) -> Pool:
        """What the sources propose to the case's users, labelled with what they came to like."""
        moment = moment_of(case.events, self.data.category_numbers, case.now)
        pool = Sources(sources, moment).pool(self.question(case))
        width = len(self.data.products)
        truth = case.holdout.relevant[case.holdout.users].tocoo()
        wanted = truth.coords[0].astype(np.int64) * width + truth.coords[1]
        return pool.labelled(np.isin(pool.row * width + pool.products, wanted))


def run_experiment(
    data: ShopData,
    snapshot: Path,
    open_store: Callable[[], FeatureStore],
    *,
    seed: int,
    protocol: Protocol = BY_TIME,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    threads: int = 1,
    progress: Progress = no_progress,
    serve: bool = True,
) -> Experiment:
    """Fit, compare and refit. Deterministic for the snapshot and the seed.

    Args:
        protocol: what is held out.
        parameters: by kind, what tuning found; such a kind tries nothing else.
        threads: how many cores may be used; what is learned does not depend on it.
        serve: whether to fit everything once more on all data.
    """
    run = Runner(data, snapshot, open_store, seed, threads, progress)
    cases = protocol.cases(data, seed=seed)
    for case in cases.all:
        held_out = case.holdout
        log.info("%s: %d users, %d ratings", case.name, len(held_out.users), len(held_out.ratings))
    if not cases.judged:
        log.warning("all labels are of one day: models are fitted, but cannot be compared")
    kinds = simplest_first()
    tries = {kind.name: _tries(kind, parameters or {}) for kind in kinds}
    chosen = {kind.name: tries[kind.name][0] for kind in kinds}
    validation: dict[str, Measured] = {}
    test: dict[str, Measured] = {}
    curve = None
    base = [kind for kind in kinds if kind.role != "combiner"]
    models: dict[str, dict[str, Model]] = {}
    if cases.validation is not None:
        progress("compare", 0, 0)
        models[cases.validation.name], validation, curve = _choose_base(
            run, cases.validation, base, tries, chosen
        )
    end = Case(
        "everything",
        data.labels,
        data.events,
        data.rules.as_of + np.timedelta64(1, "us"),
        Holdout.empty(data.listed, len(data.users)),
    )
    sources = [kind for kind in base if kind.role == "source"]
    later = [*((cases.test,) if cases.test else ()), *((end,) if serve else ())]
    wanted = [
        (case, kind)
        for case, some in [
            *((case, sources) for case in cases.training),
            *((c, base) for c in later),
        ]
        for kind in some
    ]
    fits = run.fits([run.wanted(kind, case, chosen[kind.name]) for case, kind in wanted])
    for (case, kind), fit in zip(wanted, fits, strict=True):
        if fit is not None:
            models.setdefault(case.name, {})[kind.name] = fit.model
    proposing = {kind.name for kind in sources}
    if cases.training:
        if cases.as_of:
            run.fetch_features(cases.all)
        progress("candidates", 0, 0)
        pools = {
            case.name: run.pool(_only(models[case.name], proposing), case) for case in cases.all
        }
    else:
        log.warning("the shop has too few days of labels for a ranker: it is not trained")
        pools = {}
    learned = tuple(pools[case.name] for case in cases.training)
    for kind in kinds:
        if kind.role != "combiner" or cases.validation is None or not learned:
            continue
        progress(f"fit {kind.name}", 0, 0)
        at = cases.validation
        sources_there = _only(models[at.name], proposing)
        best: tuple[float, Measured] | None = None
        for tried in tries[kind.name]:
            one = run.wanted(kind, at, tried, base=sources_there, pools=learned)
            (fit,) = run.fits([one])
            if fit is None:
                break
            found = run.measure(fit.model, at, models[at.name][POPULARITY], pools[at.name])
            log.info(
                "validation %s %s: nDCG@10 %.4f", kind.name, dict(tried), found.scores.ndcg_at_10
            )
            if best is None or found.scores.ndcg_at_10 > best[0] + 1e-9:
                best = (found.scores.ndcg_at_10, found)
                chosen[kind.name] = tried
        if best is None:
            continue
        validation[kind.name] = best[1]
        for case in later:
            more = [*learned, pools[at.name]]
            if case is end and cases.test is not None:
                more.append(pools[cases.test.name])
            one = run.wanted(
                kind,
                case,
                chosen[kind.name],
                base=_only(models[case.name], proposing),
                pools=tuple(more),
            )
            (fit,) = run.fits([one])
            if fit is not None:
                models[case.name][kind.name] = fit.model
    simple: dict[str, Measured] = {}
    if cases.test is not None:
        for name, model in models[cases.test.name].items():
            progress(f"evaluate {name}", 0, 0)
            test[name] = run.measure(
                model, cases.test, models[cases.test.name][POPULARITY], pools.get(cases.test.name)
            )
        simple = _simple_rules(run, cases.test, kinds, models[cases.test.name][POPULARITY])
    elif cases.validation is not None:
        simple = {name: validation[name] for name in SIMPLE if name in validation}
    ranking = rank_kinds({kind: found.scores.ndcg_at_10 for kind, found in validation.items()})
    figures = test or validation
    return Experiment(
        cases=cases,
        validation=validation,
        test=test,
        comparison=compared(ranking[0], figures, simple, seed=seed) if figures else None,
        ranking=ranking,
        models=models.get(end.name, {}),
        parameters=chosen,
        curve=curve,
        rated=_rated(models, cases),
        training_hash=training_hash(data, list(pools.values())),
        candidates=sum(len(pool.row) for pool in pools.values()),
    )


def _tries(kind: Kind, tuned: Mapping[str, Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return (tuned[kind.name],) if kind.name in tuned else (kind.tries or (kind.parameters,))


def _choose_base(
    run: Runner,
    case: Case,
    kinds: Sequence[Kind],
    tries: Mapping[str, Sequence[Mapping[str, Any]]],
    chosen: dict[str, Mapping[str, Any]],
) -> tuple[dict[str, Model], dict[str, Measured], LearningCurve | None]:
    """Fit every try as of the validation case, and keep the best of each kind."""
    wanted = [(kind, tried) for kind in kinds for tried in tries[kind.name]]
    fits = run.fits(
        [
            run.wanted(kind, case, tried, stops=CURVE_EPOCHS if kind.name == RATING_KIND else ())
            for kind, tried in wanted
        ]
    )
    models: dict[str, Model] = {}
    found: dict[str, Measured] = {}
    curve = None
    for (kind, tried), fit in zip(wanted, fits, strict=True):
        if fit is None:
            continue
        popular = models.get(POPULARITY, fit.model)
        figures = run.measure(fit.model, case, popular)
        log.info(
            "validation %s %s: nDCG@10 %.4f", kind.name, dict(tried), figures.scores.ndcg_at_10
        )
        before = found.get(kind.name)
        if before is None or figures.scores.ndcg_at_10 > before.scores.ndcg_at_10 + 1e-9:
            models[kind.name], found[kind.name] = fit.model, figures
            chosen[kind.name] = tried
        if kind.name == RATING_KIND:
            curve = _curve(run.data, case, (*fit.stages, fit.model))
    return models, found, curve


def _simple_rules(
    run: Runner, case: Case, kinds: Iterable[Kind], popular: Model
) -> dict[str, Measured]:
    """Every try of the simple rules, on the test case: the bar is the best of them there."""
    wanted = [(kind, tried) for kind in kinds if kind.name in SIMPLE for tried in kind.tries]
    fits = run.fits([run.wanted(kind, case, tried) for kind, tried in wanted])
    return {
        f"{kind.name} {', '.join(f'{k}={v:g}' for k, v in tried.items())}": run.measure(
            fit.model, case, popular
        )
        for (kind, tried), fit in zip(wanted, fits, strict=True)
        if fit is not None
    }


def _only(models: Mapping[str, Model], names: set[str]) -> dict[str, Model]:
    return {name: model for name, model in models.items() if name in names}


def _curve(data: ShopData, case: Case, models: Sequence[Model]) -> LearningCurve:
    """Errors after CURVE_EPOCHS and after all, fitted on what was known.

    Surprise gives no model between epochs; but a fit of n epochs is the beginning of a longer one,
    so a few short fits draw the same curve.

    Args:
        models: after each of CURVE_EPOCHS, and after all.
    """
    known = case.known.one_per_pair(highest=data.label_kind != "rating")
    held_out = case.holdout
    on_known = tuple(_error(model, known.users, known.products, known.labels) for model in models)
    later = tuple(
        _error(model, held_out.rated_users, held_out.rated_products, held_out.ratings)
        for model in models
    )
    return LearningCurve((*CURVE_EPOCHS, EPOCHS), on_known, later)


def _error(model: Model, users: Any, products: Any, ratings: FloatArray) -> float:
    predicted = model.ratings(users, products)
    assert predicted is not None, "the rating kind predicts stars"
    return rmse(predicted, ratings)


def _rated(models: Mapping[str, Mapping[str, Model]], cases: Cases) -> FloatArray:
    for case in reversed(cases.judged):
        held_out = case.holdout
        predicted = models[case.name][RATING_KIND].ratings(
            held_out.rated_users, held_out.rated_products
        )
        assert predicted is not None, "the rating kind predicts stars"
        return np.column_stack([held_out.ratings, predicted])
    return np.empty((0, 2))
