"""A loaded model and the shop as it is now: whom to recommend what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feature_store.online.lookup import OnlineFeatures
from feature_store.snapshots import current_snapshot
from recomart.settings import Settings
from training.artifact import POPULARITY, Artifact
from training.interactions import UNKNOWN, BoolArray, IntArray
from training.labels import likes_of, load_catalogue, load_rules, owned_by
from training.model import Model
from training.reasons import Place
from training.requests import UserRequest

if TYPE_CHECKING:
    import pandas as pd

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
        known: whether the shop knows the user; if not, the list is the popular one.
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
        NothingPublished: there is no snapshot, so what users have is unknown.
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
            RedisUnavailable: Redis does not answer, so what the user just bought is unknown.
        """
        user = self._artifact.users.position(user_id)
        candidates = self._listed.copy()
        if not self._rules.repeat_purchases:
            owned = [*owned_by(self._snapshot, user_id), *sorted(self._online.bought(user_id))]
            had = self._artifact.products.positions(owned)
            candidates[had[had != UNKNOWN]] = False
        known = user != UNKNOWN or bool(self._online.read("ftr_users", [user_id]).found[0])
        request = UserRequest(user, k, candidates, lambda at: self._features(user_id, at))
        model, kind = self._artifact.model, self._artifact.kind
        if not known or not model.can_rank(user):
            model, kind = self._artifact.popularity, POPULARITY
        return self._answer(user_id, known, kind, self._explained(user_id, user, model, request))

    def _features(self, user_id: str, products: IntArray) -> pd.DataFrame:
        """The features of a user with products, by their positions, as they are online now."""
        ids = [str(product) for product in self._artifact.products.ids[products]]
        return self._online.serving_frame(user_id, ids, [self._catalogue[i][1] for i in ids])

    def _explained(
        self, user_id: str, user: int, model: Model, request: UserRequest
    ) -> list[tuple[Place, str]]:
        """The model's list with the reason of each place."""
        likes = likes_of(self._snapshot, user_id, self._rules.relevant)
        shopper = self._artifact.shopper(self._catalogue, user, likes)
        return [(place, model.reason(place, shopper)) for place in model.places(request)]

    def _answer(
        self, user_id: str, known: bool, kind: str, places: list[tuple[Place, str]]
    ) -> Recommendations:
        items = []
        for place, reason in places:
            product_id = str(self._artifact.products.ids[place.product])
            title, category = self._catalogue[product_id]
            items.append(Recommendation(product_id, title, category, place.score, reason))
        return Recommendations(user_id, known, kind, self._version, tuple(items))
