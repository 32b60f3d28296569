"""One experiment: every kind of model fitted as of each case, compared, and fitted once more to serve.

The cases are those of a protocol (`training/protocols/`), which says what is held out for what.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recomart.step import Progress, no_progress
from training.champion import rank_kinds
from training.comparison import Comparison, Measured, compared
from training.evaluate import Holdout
from training.interactions import FloatArray
from training.kinds import Kind, simplest_first
from training.kinds.svd import EPOCHS
from training.labels import ShopData
from training.metrics import rmse
from training.model import Model
from training.pools import Pool
from training.protocols import Case, Cases, Protocol
from training.protocols.time import PROTOCOL as BY_TIME
from training.runner import Runner
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
        protocol: how it was held out.
        cases: what was held out.
        validation, test: what was measured, by kind; empty where there is no such case.
        comparison: of the champion with the best simple rule, on the test case, else on validation.
        rules: every simple rule on that case.
        pool: the candidates of that case; None without combiners.
        ranking: kinds from best to worst; the first is champion.
        models: by kind, fitted on everything, for serving.
        parameters: by kind, as chosen on the validation case.
        curve: of SVD before the validation case; None without one.
        rated: (n, 2) actual and SVD's predicted ratings of the last case.
        training_hash: of what was learned from.
        candidates: rows that combiners learned from in the end.
    """

    protocol: Protocol
    cases: Cases
    validation: dict[str, Measured]
    test: dict[str, Measured]
    comparison: Comparison | None
    rules: dict[str, Measured]
    pool: Pool | None
    ranking: tuple[str, ...]
    models: dict[str, Model]
    parameters: dict[str, Mapping[str, Any]]
    curve: LearningCurve | None
    rated: FloatArray
    training_hash: str
    candidates: int


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
    bench = Workbench(run, protocol.cases(data, seed=seed), parameters or {}, serve=serve)
    bench.choose_base()
    bench.fit_base()
    bench.make_pools()
    bench.fit_combiners()
    test = bench.test()
    ranking = rank_kinds({kind: m.scores.ndcg_at_10 for kind, m in bench.validation.items()})
    figures = test or bench.validation
    rules = bench.simple_rules()
    last = bench.cases.judged[-1] if bench.cases.judged else None
    return Experiment(
        protocol=protocol,
        cases=bench.cases,
        validation=bench.validation,
        test=test,
        comparison=compared(ranking[0], figures, rules, seed=seed),
        rules=rules,
        pool=None if last is None else bench.pools.get(last.name),
        ranking=ranking,
        models=bench.models.get(bench.end.name, {}),
        parameters=bench.chosen,
        curve=bench.curve,
        rated=_rated(bench.models, bench.cases),
        training_hash=training_hash(data, list(bench.pools.values())),
        candidates=sum(len(pool.row) for pool in bench.pools.values()),
    )


class Workbench:
    """What an experiment has so far.

    Args:
        run: does the work.
        cases: of the protocol.
        tuned: by kind, what tuning found.
        serve: whether models of everything are wanted.

    Attributes:
        chosen: by kind, the parameters that were best on the validation case.
        models: by case and kind.
        pools: by case.
        validation: what was measured there, by kind.
        curve: SVD's, on the validation case.
    """

    def __init__(
        self, run: Runner, cases: Cases, tuned: Mapping[str, Mapping[str, Any]], *, serve: bool
    ) -> None:
        self._run, self.cases, self._serve = run, cases, serve
        self.end = everything(run.data)
        kinds = simplest_first()
        self._base = [kind for kind in kinds if kind.role != "combiner"]
        self._sources = [kind for kind in kinds if kind.role == "source"]
        self._combiners = [kind for kind in kinds if kind.role == "combiner"]
        self._tries = {
            kind.name: (tuned[kind.name],) if kind.name in tuned else kind.tries for kind in kinds
        }
        self.chosen = {name: tries[0] for name, tries in self._tries.items()}
        self.models: dict[str, dict[str, Model]] = {}
        self.pools: dict[str, Pool] = {}
        self.validation: dict[str, Measured] = {}
        self.curve: LearningCurve | None = None
        for case in cases.all:
            asked = case.holdout
            log.info("%s: %d users, %d ratings", case.name, len(asked.users), len(asked.ratings))
        if not cases.judged:
            log.warning("all labels are of one day: models are fitted, but cannot be compared")

    def choose_base(self) -> None:
        """Fit every try of the kinds that combine nothing as of the validation case; the best of
        each kind stays."""
        case = self.cases.validation
        if case is None:
            return
        self._run.progress("compare", 0, 0)
        wanted = [(kind, tried) for kind in self._base for tried in self._tries[kind.name]]
        fits = self._run.fits(
            [
                self._run.wanted(
                    kind, case, tried, stops=CURVE_EPOCHS if kind.name == RATING_KIND else ()
                )
                for kind, tried in wanted
            ]
        )
        models = self.models.setdefault(case.name, {})
        for (kind, tried), fit in zip(wanted, fits, strict=True):
            if fit is None:
                continue
            found = self._run.measure(fit.model, case, models.get(POPULARITY, fit.model))
            if self._is_best(kind, tried, found):
                models[kind.name] = fit.model
            if kind.name == RATING_KIND:
                self.curve = _curve(self._run.data, case, (*fit.stages, fit.model))

    def fit_base(self) -> None:
        """Fit the sources as of the training cases, and all kinds that combine nothing as of the
        later ones, with the parameters that were chosen."""
        wanted = [
            (case, kind)
            for case in (*self.cases.training, *self._later)
            for kind in (self._base if case in self._later else self._sources)
        ]
        fits = self._run.fits(
            [self._run.wanted(kind, case, self.chosen[kind.name]) for case, kind in wanted]
        )
        for (case, kind), fit in zip(wanted, fits, strict=True):
            if fit is not None:
                self.models.setdefault(case.name, {})[kind.name] = fit.model

    def make_pools(self) -> None:
        """What the sources of each case propose, with features as of its time."""
        if not self.cases.training:
            log.warning("the shop has too few days of labels for a ranker: it is not trained")
            return
        if self.cases.as_of:
            self._run.fetch_features(self.cases.all)
        self._run.progress("candidates", 0, 0)
        for case in self.cases.all:
            self.pools[case.name] = self._run.pool(self._proposing(case), case)

    def fit_combiners(self) -> None:
        """Choose each combiner's parameters on the validation case, by what it learned from the
        training cases; then fit it as of the later cases, on all pools before them."""
        case = self.cases.validation
        if case is None or not self.pools:
            return
        for kind in self._combiners:
            self._run.progress(f"fit {kind.name}", 0, 0)
            for tried in self._tries[kind.name]:
                model = self._combined(kind, case, tried)
                if model is None:
                    break
                popular = self.models[case.name][POPULARITY]
                found = self._run.measure(model, case, popular, self.pools[case.name])
                self._is_best(kind, tried, found)
            if kind.name not in self.validation:
                continue
            for later in self._later:
                model = self._combined(kind, later, self.chosen[kind.name])
                if model is not None:
                    self.models[later.name][kind.name] = model

    def try_on_validation(self, kind: Kind, parameters: Mapping[str, Any]) -> Measured | None:
        """What a kind with some parameters is worth on the validation case; None when it finds too
        little to learn from. Nothing is chosen by it."""
        case = self.cases.validation
        assert case is not None, "there is something to compare on"
        popular, pool = self.models[case.name][POPULARITY], self.pools.get(case.name)
        if kind.role == "combiner":
            model = self._combined(kind, case, parameters) if self.pools else None
        else:
            (fit,) = self._run.fits([self._run.wanted(kind, case, parameters)])
            model = None if fit is None else fit.model
        return None if model is None else self._run.measure(model, case, popular, pool)

    def test(self) -> dict[str, Measured]:
        """What every kind's lists are worth on the test case; empty without one."""
        case = self.cases.test
        if case is None:
            return {}
        models, found = self.models[case.name], {}
        for name, model in models.items():
            self._run.progress(f"evaluate {name}", 0, 0)
            pool = self.pools.get(case.name)
            found[name] = self._run.measure(model, case, models[POPULARITY], pool)
        return found

    def simple_rules(self) -> dict[str, Measured]:
        """Every try of the simple rules on the last case, and what tuning found for them: the bar
        is the best of them there."""
        if not self.cases.judged:
            return {}
        case = self.cases.judged[-1]
        wanted = [
            (kind, tried)
            for kind in self._base
            if kind.name in SIMPLE
            for tried in _distinct([*kind.tries, self.chosen[kind.name]])
        ]
        fits = self._run.fits([self._run.wanted(kind, case, tried) for kind, tried in wanted])
        popular = self.models[case.name][POPULARITY]
        return {
            _named(kind, tried): self._run.measure(fit.model, case, popular)
            for (kind, tried), fit in zip(wanted, fits, strict=True)
            if fit is not None
        }

    @property
    def _later(self) -> tuple[Case, ...]:
        """The cases after the validation: the test, and everything."""
        test = () if self.cases.test is None else (self.cases.test,)
        return (*test, self.end) if self._serve else test

    def _proposing(self, case: Case) -> dict[str, Model]:
        """The models of a case that propose candidates."""
        there = self.models[case.name]
        return {kind.name: there[kind.name] for kind in self._sources if kind.name in there}

    def _combined(self, kind: Kind, case: Case, parameters: Mapping[str, Any]) -> Model | None:
        """A combiner as of a case, which learned from the pools of all cases before it."""
        order = [*self.cases.all, self.end]
        before = order[: order.index(case)]
        pools = tuple(self.pools[one.name] for one in before)
        wanted = self._run.wanted(kind, case, parameters, base=self._proposing(case), pools=pools)
        (fit,) = self._run.fits([wanted])
        return None if fit is None else fit.model

    def _is_best(self, kind: Kind, tried: Mapping[str, Any], found: Measured) -> bool:
        """Whether a try is the best of its kind so far; if so, it is chosen."""
        figure = found.scores.ndcg_at_10
        log.info("validation %s: nDCG@10 %.4f", _named(kind, tried), figure)
        before = self.validation.get(kind.name)
        if before is not None and not figure > before.scores.ndcg_at_10 + 1e-9:
            return False
        self.validation[kind.name] = found
        self.chosen[kind.name] = tried
        return True


def _distinct(tries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tries in their order, each once."""
    return [tried for at, tried in enumerate(tries) if tried not in tries[:at]]


def everything(data: ShopData) -> Case:
    """The case after all: nobody is asked about, and all is known."""
    now = data.rules.as_of + np.timedelta64(1, "us")
    nobody = Holdout.empty(data.listed, len(data.users))
    return Case("everything", data.labels, data.events, now, nobody)


def _named(kind: Kind, parameters: Mapping[str, Any]) -> str:
    """A kind and its parameters, as logs and tables call them."""
    values = [f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in parameters.items()]
    return " ".join([kind.name, ", ".join(values)]).strip()


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
