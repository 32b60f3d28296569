"""The ranker: gradient-boosted trees over SVD's score, popularity, and the shop's features."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from recomart.step import Progress
from training.examples import Examples
from training.feature_tables import VIEWS, FeatureTables
from training.fit_task import FitTask
from training.interactions import UNKNOWN, BoolArray, FloatArray, IntArray
from training.kinds import Fit
from training.kinds._ranker_reasons import ranker_reason
from training.kinds._stored import Stored, arrays_of
from training.kinds.popularity import Popularity
from training.kinds.svd import SVD
from training.labels import LABEL_TABLES
from training.lists import recommend_lists
from training.model import Model
from training.reasons import Place, Shopper
from training.requests import ListRequest, UserRequest
from training.topk import top_k

if TYPE_CHECKING:
    import lightgbm

BASE_FEATURES = ("svd_score", "svd_taste", "popularity")
"""From the base models: SVD's score, the part of it that is this user's taste, and popularity as
a share of the most popular product's, so that it does not grow with the shop."""

TREES = 100
THREADS = 1
"""One: the order of sums depends on the number, and a second one waits for a core more than it helps
where the machine is shared (ten times slower, measured on two busy cores)."""
PARAMETERS: dict[str, Any] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 20,
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": THREADS,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
RANKED_WHOLE = 2_000
"""A catalogue of up to this many products is ranked whole."""
SHORTLIST = 500
"""Of a larger one, this many products by popularity and as many by SVD are ranked."""
BLOCK_ROWS = 100_000
SHAP_SAMPLE = 200
MIN_LISTS = 10
"""Fewer lists than that teach trees nothing."""

TREES_FILE = "ranker.txt"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ranker:
    """Fitted trees and the base models that they build on.

    Args:
        text: LightGBM's own text form of the trees.
        features: the columns that the trees take, BASE_FEATURES first.
        svd, popularity: fitted up to the time that is asked about.
    """

    text: str
    features: tuple[str, ...]
    svd: SVD
    popularity: Popularity

    @cached_property
    def booster(self) -> lightgbm.Booster:
        """The trees, ready to predict."""
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n,) its SVD's ratings: the trees order products, and say nothing about stars."""
        return self.svd.ratings(users, products)

    def lists(self, request: ListRequest) -> IntArray:
        """As in `Model`, over features as of the request's time."""
        assert request.features is not None, "the ranker needs features"
        return recommend_lists(
            self.at(request.features),
            request.users,
            request.excluded,
            request.candidates,
            request.k,
            threads=request.threads,
        )

    def can_rank(self, user: int) -> bool:
        """Whomever: its features say something about a user without labels, too."""
        return True

    def places(self, request: UserRequest) -> list[Place]:
        """The list of one user, over features as they are online now."""
        user = np.array([request.user])
        at = np.flatnonzero(request.candidates & self.shortlist(user)[0])
        frame = request.features(at)
        stored = frame[list(self.features[len(BASE_FEATURES) :])].to_numpy(dtype=np.float64)
        users = np.full(len(at), request.user, dtype=np.int64)
        rows = np.hstack([base_features(self.svd, self.popularity, users, at), stored])
        scores = predict(self.booster, rows)
        (best,) = top_k(scores[None, :], request.k)
        best = best[best != UNKNOWN]
        contributions = self.contributions(rows, best)
        return [
            Place(
                int(at[row]),
                float(scores[row]),
                features=dict(zip(self.features, rows[row], strict=True)),
                contributions=dict(zip(self.features, why, strict=True)),
            )
            for row, why in zip(best, contributions, strict=True)
        ]

    def reason(self, place: Place, shopper: Shopper) -> str:
        """The largest contribution about which something true can be said."""
        return ranker_reason(self.svd, self.popularity, place, shopper)

    def at(self, tables: FeatureTables) -> Callable[[IntArray], FloatArray]:
        """The scorer that sees these features: (n,) users to (n, products) scores.

        Products that are not in a user's shortlist score -inf.
        """

        def scores(users: IntArray) -> FloatArray:
            products = len(self.popularity.popularity)
            ranked = products if products <= RANKED_WHOLE else 2 * SHORTLIST
            block = max(1, BLOCK_ROWS // max(ranked, 1))
            parts = [
                self._scores(users[start : start + block], tables)
                for start in range(0, len(users), block)
            ]
            return np.vstack(parts) if parts else np.empty((0, products))

        return scores

    def contributions(self, rows: FloatArray, chosen: IntArray) -> FloatArray:
        """(chosen, features) what each feature adds to a row's score, compared with the other rows.

        Source: TreeSHAP (Lundberg et al., 2020) as LightGBM computes it, minus its mean over a
        sample of the rows: so what all candidates of a user share explains none of them.
        """
        sample = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SHAP_SAMPLE)).astype(int))
        both = np.vstack([rows[chosen], rows[sample]])
        values = np.asarray(self.booster.predict(both, pred_contrib=True, num_threads=THREADS))
        return values[: len(chosen), :-1] - values[len(chosen) :, :-1].mean(axis=0)

    def rows(self, users: IntArray, products: IntArray, tables: FeatureTables) -> FloatArray:
        """(n, features) what the trees see of n pairs."""
        return np.hstack(
            [
                base_features(self.svd, self.popularity, users, products),
                tables.rows(users, products),
            ]
        )

    def _scores(self, users: IntArray, tables: FeatureTables) -> FloatArray:
        chosen = self.shortlist(users)
        row, products = np.nonzero(chosen)
        scores = np.full(chosen.shape, -np.inf)
        scores[row, products] = predict(self.booster, self.rows(users[row], products, tables))
        return scores

    def shortlist(self, users: IntArray) -> BoolArray:
        """(users, products) which products are ranked at all."""
        products = len(self.popularity.popularity)
        if products <= RANKED_WHOLE:
            return np.ones((len(users), products), dtype=bool)
        chosen = np.zeros((len(users), products), dtype=bool)
        np.put_along_axis(chosen, top_k(self.svd.scores(users), SHORTLIST), True, axis=1)
        chosen[:, self._most_popular] = True
        return chosen

    @cached_property
    def _most_popular(self) -> IntArray:
        """(SHORTLIST,) products: the same ones for every user."""
        return top_k(self.popularity.popularity[None, :], SHORTLIST)[0]


def base_features(
    svd: SVD, popularity: Popularity, users: IntArray, products: IntArray
) -> FloatArray:
    """(n, 3) the BASE_FEATURES of n pairs."""
    taste = svd.taste(users, products)
    level = svd.mean + svd.user_bias[users] + svd.product_bias[products]
    liked = popularity.popularity / max(float(popularity.popularity.max(initial=0.0)), 1e-12)
    return np.column_stack([level + taste, taste, liked[products]])


def fit_ranker(
    rows: FloatArray, relevant: IntArray, groups: IntArray, features: tuple[str, ...], *, seed: int
) -> str:
    """Fit the trees and return their text. Equal input and seed give equal text.

    Args:
        rows: (n, features) of candidates, those of one list together.
        relevant: (n,) 1 where the user came to like the product, else 0.
        groups: sizes of the lists, in order.

    Source: Burges, From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82.
    """
    import lightgbm

    data = lightgbm.Dataset(
        rows, relevant, group=groups, feature_name=list(features), params=PARAMETERS
    )
    seeds = {"seed": seed, "feature_fraction_seed": seed, "data_random_seed": seed}
    booster = lightgbm.train({**PARAMETERS, **seeds}, data, num_boost_round=TREES)
    return booster.model_to_string()


def predict(booster: lightgbm.Booster, rows: FloatArray) -> FloatArray:
    """(n,) scores of rows."""
    return np.asarray(booster.predict(rows, num_threads=THREADS), dtype=np.float64)


class RankerKind:
    """The kind `ranker`."""

    name = "ranker"
    complexity = 3
    reads = (*LABEL_TABLES, *VIEWS)
    builds_on: tuple[str, ...] = ("popularity", "svd")
    parameters: Mapping[str, Any] = {**PARAMETERS, "trees": TREES}

    def passes(self, task: FitTask) -> int:
        return 0

    def fit(self, task: FitTask, *, progress: Progress) -> Fit | None:
        """Learn from the examples which of a list's candidates the user came to like."""
        if task.examples is None:
            return None
        candidates = task.examples.candidates
        if len(candidates.groups) < MIN_LISTS:
            log.warning(
                "only %d lists of candidates: no ranker is trained on them", len(candidates.groups)
            )
            return None
        features = (*BASE_FEATURES, *task.examples.names)
        rows = example_rows(task.examples)
        text = fit_ranker(rows, candidates.relevant, candidates.groups, features, seed=task.seed)
        svd, popularity = _base(task.base)
        return Fit(Ranker(text, features, svd, popularity))

    def store(self, model: Ranker) -> Stored:
        return Stored(
            model.popularity.scale,
            arrays_of("popularity", model.popularity) | arrays_of("svd", model.svd),
            {"features": list(model.features)},
            {TREES_FILE: model.text},
        )

    def restore(self, stored: Stored) -> Ranker:
        return Ranker(
            stored.texts[TREES_FILE],
            tuple(stored.record["features"]),
            stored.part(SVD, "svd"),
            stored.part(Popularity, "popularity"),
        )


def example_rows(examples: Examples) -> FloatArray:
    """(n, features) what the trees see of the examples: each by the base models of its own cut,
    which have not seen its window, and with the features as of that cut."""
    candidates = examples.candidates
    scores = np.empty((len(candidates.users), len(BASE_FEATURES)))
    for number, base in enumerate(examples.base):
        here = candidates.window == number
        scores[here] = base_features(
            *_base(base), candidates.users[here], candidates.products[here]
        )
    return np.hstack([scores, examples.features])


def _base(models: Mapping[str, Model]) -> tuple[SVD, Popularity]:
    return cast(SVD, models["svd"]), cast(Popularity, models["popularity"])


KIND = RankerKind()
