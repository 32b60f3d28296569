"""A loaded model and the shop as it is now: whom to recommend what, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feature_store.online.lookup import OnlineFeatures
from feature_store.snapshots import current_snapshot
from recomart.settings import Settings
from training.artifact import Artifact
from training.interactions import UNKNOWN, BoolArray, FloatArray, IntArray
from training.kinds.ranker import BASE_FEATURES, Ranker, base_features, predict
from training.labels import likes_of, load_catalogue, load_rules, owned_by
from training.reasons import Explainer, Place, popular_reason
from training.topk import top_k

ONLINE_DEADLINE = 5.0
"""Seconds for the features of a whole catalogue."""


@dataclass(frozen=True)
class Recommendation:
    """One product, its score (comparable within a list only), and why it is there."""

    product_id: str
    title: str
    category: str
    score: float
    reason: str


@dataclass(frozen=True)
class Recommendations:
    """A list for one user.

    Args:
        known: whether the shop knows the user; if not, the list is what is popular.
        kind: of the model that made the list.
        model_version: in the registry.
        items: best first; fewer than asked when the shop has no more to offer.
    """

    user_id: str
    known: bool
    kind: str
    model_version: str
    items: tuple[Recommendation, ...]


class Recommender:
    """Answers for many users with one model and one snapshot.

    Raises:
        NothingPublished: there is no snapshot, so nobody knows what the users have.
    """

    def __init__(self, settings: Settings, artifact: Artifact, version: str) -> None:
        self._settings = settings
        self._artifact = artifact
        self._version = version
        self._snapshot = current_snapshot(settings).folder
        self._rules = load_rules(self._snapshot)
        self._catalogue = load_catalogue(self._snapshot)
        self._online = OnlineFeatures(settings, deadline=ONLINE_DEADLINE)
        products = [str(product) for product in artifact.products.ids]
        self._listed: BoolArray = np.array([p in self._catalogue for p in products], dtype=bool)

    def recommend(self, user_id: str, k: int) -> Recommendations:
        """The k best products for a user, ties in the order of the product ids.

        What the user bought or rated is left out unless the shop counts repeat purchases, what
        was bought a moment ago too; and so is what is no longer in the catalogue.

        Raises:
            RedisUnavailable: Redis does not answer, so nobody knows what the user has just bought.
        """
        user = self._artifact.users.position(user_id)
        candidates = self._listed.copy()
        if not self._rules.repeat_purchases:
            owned = [*owned_by(self._snapshot, user_id), *sorted(self._online.bought(user_id))]
            had = self._artifact.products.positions(owned)
            candidates[had[had != UNKNOWN]] = False
        known = user != UNKNOWN or bool(self._online.read("ftr_users", [user_id]).found[0])
        if not known or (user == UNKNOWN and self._artifact.kind != "ranker"):
            return self._popular(user_id, known, candidates, k)
        if isinstance(self._artifact.model, Ranker):
            places = self._ranked(self._artifact.model, user_id, user, candidates, k)
        else:
            scores = self._artifact.model.scores(np.array([user]))[0]
            places = [
                Place(position, float(scores[position]))
                for position in _best(scores, candidates, k)
            ]
        return self._answer(
            user_id, known, self._artifact.kind, self._explained(user_id, user, places)
        )

    def _ranked(
        self, ranker: Ranker, user_id: str, user: int, candidates: BoolArray, k: int
    ) -> list[Place]:
        """The ranker's list, over features as they are online now."""
        at = np.flatnonzero(candidates & ranker.shortlist(np.array([user]))[0])
        ids = [str(product) for product in self._artifact.products.ids[at]]
        frame = self._online.serving_frame(user_id, ids, [self._catalogue[i][1] for i in ids])
        users = np.full(len(at), user, dtype=np.int64)
        stored = frame[list(ranker.features[len(BASE_FEATURES) :])].to_numpy(dtype=np.float64)
        rows = np.hstack([base_features(ranker.svd, ranker.popularity, users, at), stored])
        scores = predict(ranker.booster, rows)
        best = top_k(scores[None, :], k)[0]
        best = best[best != UNKNOWN]
        contributions = ranker.contributions(rows, best)
        return [
            Place(
                int(at[row]),
                float(scores[row]),
                features=dict(zip(ranker.features, rows[row], strict=True)),
                contributions=dict(zip(ranker.features, why, strict=True)),
            )
            for row, why in zip(best, contributions, strict=True)
        ]

    def _explained(self, user_id: str, user: int, places: list[Place]) -> list[tuple[Place, str]]:
        likes = likes_of(self._snapshot, user_id, self._rules.relevant)
        explainer = Explainer(self._artifact, self._catalogue, user, likes)
        return [(place, explainer.reason(place)) for place in places]

    def _popular(self, user_id: str, known: bool, candidates: BoolArray, k: int) -> Recommendations:
        popularity = self._artifact.popularity
        best = _best(popularity.popularity, candidates, k)
        places = [
            (Place(p, float(popularity.popularity[p])), popular_reason(popularity, p)) for p in best
        ]
        return self._answer(user_id, known, "popularity", places)

    def _answer(
        self, user_id: str, known: bool, kind: str, places: list[tuple[Place, str]]
    ) -> Recommendations:
        items = []
        for place, reason in places:
            product_id = str(self._artifact.products.ids[place.product])
            title, category = self._catalogue[product_id]
            items.append(Recommendation(product_id, title, category, place.score, reason))
        return Recommendations(user_id, known, kind, self._version, tuple(items))


def _best(scores: FloatArray, candidates: BoolArray, k: int) -> list[int]:
    """Positions of the k best candidates."""
    best: IntArray = top_k(np.where(candidates, scores, -np.inf)[None, :], k)[0]
    return [int(position) for position in best if position != UNKNOWN]
