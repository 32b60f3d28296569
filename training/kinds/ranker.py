"""The ranker: gradient-boosted trees over what the sources say of a candidate, and its features."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recomart.step import Progress
from training.feature_tables import VIEWS
from training.fit_task import FitTask
from training.interactions import FloatArray, IntArray
from training.kinds import Fit, Role
from training.kinds._combined import CombinedModel, Sources, restored_sources
from training.kinds._ranker_reasons import ranker_reason
from training.kinds._stored import Stored
from training.labels import LABEL_TABLES
from training.local_features import moment_of
from training.pools import Pool
from training.reasons import Place, Shopper

if TYPE_CHECKING:
    import lightgbm

THREADS = 1
"""One: the order of sums depends on the number, and a second one waits for a core more than it helps
where the machine is shared (ten times slower, measured on two busy cores)."""
COMMON: Mapping[str, Any] = {
    "lambdarank_truncation_level": 20,
    "max_bin": 63,
    "num_threads": THREADS,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
SMALL: Mapping[str, Any] = {
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "lambda_l2": 20.0,
    "trees": 150,
}
LARGE: Mapping[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.45,
    "lambda_l2": 10.0,
    "trees": 200,
}
COMMITTEE: tuple[Mapping[str, Any], ...] = (
    {"objective": "binary", **LARGE},
    {"objective": "binary", **SMALL},
    {"objective": "lambdarank", **SMALL},
)
"""Fits whose scores are averaged. Which of them is best changes from shop to shop and from window to
window by chance; on MovieLens' time split their mean is better than each (.275 against .236 to
.271)."""
SEEDS, FEW_ROWS = 2, 40_000
"""Fits of each member when there are no more rows than that, else one: trees of few rows differ much
by the features that each split may use."""
MANY_LISTS = 1_000
"""With fewer lists, features that only describe the user are left out: they would give away which list
it is."""
MAX_ROWS, LEAST_NEGATIVES = 80_000, 25
"""Candidates that are learned from, and how many of them each list keeps at least that the user did
not come to like. On the demo shop 220,000 rows were no better than 29,000 (nDCG@10 on the test window
.183 and .182), and took five times as long."""
MIN_LISTS = 20
"""Fewer lists than that teach trees nothing."""
SHAP_SAMPLE = 200

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ranker(CombinedModel):
    """Fitted trees, and the sources whose candidates they order.

    Args:
        texts: LightGBM's own text form of each fit.
        features: the columns that the trees take.
        sources: fitted up to the time that is asked about.
        scale: lowest and highest rating.
    """

    texts: tuple[str, ...]
    features: tuple[str, ...]
    sources: Sources
    scale: tuple[float, float]

    @cached_property
    def boosters(self) -> tuple[lightgbm.Booster, ...]:
        """The trees, ready to predict."""
        import lightgbm

        return tuple(lightgbm.Booster(model_str=text) for text in self.texts)

    def order(self, pool: Pool) -> FloatArray:
        """(candidates,) the mean over all fits of the score, standardised within each list."""
        rows = self._rows(pool)
        if not len(rows):
            return np.empty(0)
        scores = [
            pool.standardised(np.asarray(booster.predict(rows, num_threads=THREADS)))
            for booster in self.boosters
        ]
        return np.asarray(np.mean(scores, axis=0), dtype=np.float64)

    def contributions(self, pool: Pool, chosen: IntArray) -> list[Mapping[str, float]]:
        """As in `CombinedModel`, compared with the pool's other candidates.

        Source: TreeSHAP (Lundberg et al., 2020) as LightGBM computes it, minus its mean over a
        sample of the rows: so what all candidates of a user share explains none of them. Of the
        first fit alone: the others agree in what matters, and each takes as long.
        """
        if not len(chosen):
            return []
        rows = self._rows(pool)
        sample = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SHAP_SAMPLE)).astype(int))
        both = np.vstack([rows[chosen], rows[sample]])
        predicted = self.boosters[0].predict(both, pred_contrib=True, num_threads=THREADS)
        values = np.asarray(predicted)
        added = values[: len(chosen), :-1] - values[len(chosen) :, :-1].mean(axis=0)
        return [dict(zip(self.features, map(float, why), strict=True)) for why in added]

    def reason(self, place: Place, shopper: Shopper) -> str | None:
        """The largest contribution about which something true can be said."""
        return ranker_reason(self, place, shopper)

    def _rows(self, pool: Pool) -> npt.NDArray[np.float32]:
        """(candidates, features) in the order that the trees take; NaN for what the pool lacks."""
        if pool.names == self.features:
            return pool.features
        at = {name: number for number, name in enumerate(pool.names)}
        rows = np.full((len(pool.row), len(self.features)), np.nan, dtype=np.float32)
        for number, name in enumerate(self.features):
            if name in at:
                rows[:, number] = pool.features[:, at[name]]
        return rows


def fit_trees(pools: tuple[Pool, ...], parameters: Mapping[str, Any], *, seed: int) -> str:
    """Fit trees and return their text. Equal pools and seed give equal texts.

    Source: Burges, From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82, for the objective
    lambdarank; `binary` orders candidates by the probability that the user comes to like them.
    """
    import lightgbm

    rows = np.vstack([pool.features for pool in pools])
    relevant = np.concatenate([pool.relevant for pool in pools if pool.relevant is not None])
    groups = np.concatenate([pool.groups for pool in pools])
    drawn = {"seed": seed, "feature_fraction_seed": seed, "data_random_seed": seed}
    options = {**COMMON, **parameters, **drawn}
    trees = options.pop("trees")
    data = lightgbm.Dataset(
        rows,
        relevant.astype(np.int64),
        group=groups,
        feature_name=list(pools[0].names),
        params=options,
    )
    return str(lightgbm.train(options, data, num_boost_round=trees).model_to_string())


def _describes_only_the_user(name: str) -> bool:
    return name.startswith("user_") and not name.startswith("user_category_")


class RankerKind:
    """The kind `ranker`."""

    name = "ranker"
    complexity = 5
    role: Role = "combiner"
    reads = (*LABEL_TABLES, *VIEWS)
    parameters: Mapping[str, Any] = {}
    tries: tuple[Mapping[str, Any], ...] = (parameters,)
    space: Mapping[str, tuple[Any, ...]] = {
        "learning_rate": (0.02, 0.03, 0.05, 0.08),
        "num_leaves": (5, 7, 15, 31),
        "min_data_in_leaf": (50, 100, 200, 500),
        "feature_fraction": (0.3, 0.45, 0.6),
        "lambda_l2": (1.0, 10.0, 20.0, 50.0),
        "trees": (60, 100, 150, 250),
    }

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
        """Learn from labelled pools which candidates users came to like.

        Args:
            parameters: of the trees, in place of those of every member of COMMITTEE.
        """
        pools = tuple(pool.with_a_hit(seed=task.seed) for pool in task.pools)
        lists = sum(len(pool.groups) for pool in pools)
        rows = sum(len(pool.row) for pool in pools)
        if lists < MIN_LISTS:
            log.warning("only %d lists of candidates: no ranker is trained on them", lists)
            return None
        if rows > MAX_ROWS:
            hits = sum(int(pool.relevant.sum()) for pool in pools if pool.relevant is not None)
            negatives = max(LEAST_NEGATIVES, (MAX_ROWS - hits) // lists)
            pools = tuple(pool.with_negatives(negatives, seed=task.seed) for pool in pools)
            rows = sum(len(pool.row) for pool in pools)
        if lists < MANY_LISTS:
            pools = tuple(pool.without(_describes_only_the_user) for pool in pools)
        texts = tuple(
            fit_trees(pools, {**member, **parameters}, seed=task.seed + number)
            for member in COMMITTEE
            for number in range(SEEDS if rows <= FEW_ROWS else 1)
        )
        sources = Sources(task.base, moment_of(task.events, task.categories, task.cut))
        return Fit(Ranker(texts, pools[0].names, sources, task.scale))

    def store(self, model: Ranker) -> Stored:
        arrays, record = model.sources.store()
        texts = {f"ranker-{number}.txt": text for number, text in enumerate(model.texts)}
        return Stored(model.scale, arrays, {**record, "features": list(model.features)}, texts)

    def restore(self, stored: Stored) -> Ranker:
        texts = [text for name, text in sorted(stored.texts.items()) if name.startswith("ranker-")]
        return Ranker(
            tuple(texts),
            tuple(stored.record["features"]),
            restored_sources(stored),
            stored.scale,
        )


KIND = RankerKind()
