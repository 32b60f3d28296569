"""A loaded model and the shop as it is now: whom to recommend what, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from feature_store.online.lookup import OnlineFeatures
from feature_store.snapshots import current_snapshot
from recomart.errors import UnknownName
from recomart.events import EVENT_WEIGHTS
from recomart.settings import Settings
from training.artifact import POPULARITY, Artifact
from training.behaviour import Profiles
from training.feature_tables import model_features
from training.interactions import UNKNOWN, BoolArray, FloatArray, IntArray
from training.labels import likes_of, load_catalogue, load_rules, owned_by, user_events
from training.reasons import Place, popular_reason
from training.requests import Question

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
        user_id: None for a visitor of whom only the session is known.
        known: whether the shop knows something of the user; if not, the list is the popular one.
        kind: of the model that made the list.
        model_version: in the registry.
        items: best first; fewer than asked when the shop has no more to offer.
    """

    user_id: str | None
    known: bool
    kind: str
    model_version: str
    items: tuple[Recommendation, ...]


@dataclass(frozen=True)
class SessionEvent:
    """Something that a visitor did a moment ago."""

    product_id: str
    event_type: str = "view"


@dataclass(frozen=True)
class _OnlineRows:
    """The features of one user with products, as they are online now: see `FeatureRows`."""

    names: tuple[str, ...]
    frame: Callable[[IntArray], pd.DataFrame]

    def rows(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n, names) of the user with n products."""
        found = self.frame(products)[list(self.names)]
        return found.to_numpy(dtype=np.float64, na_value=np.nan)


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
        self._names = model_features(self._snapshot)
        self._online = OnlineFeatures(settings, deadline=ONLINE_DEADLINE)
        products = [str(product) for product in artifact.products.ids]
        self._listed: BoolArray = np.array([p in self._catalogue for p in products], dtype=bool)

    def recommend(
        self, user_id: str | None, k: int, session: Sequence[SessionEvent] = ()
    ) -> Recommendations:
        """The k best products for a user, ties in the order of the product ids.

        What the user bought or rated is left out unless the shop counts repeat purchases, what
        was bought a moment ago too; and so is what is no longer in the catalogue. Where the model
        has fewer than k products to say something about, popular ones follow.

        Args:
            user_id: None for a visitor of whom only the session is known.
            session: what they did a moment ago, the latest last; added to what Redis knows.

        Raises:
            RedisUnavailable: Redis does not answer, so what the user just bought is unknown.
            UnknownName: the session has a product or a type of event that does not exist.
        """
        user = UNKNOWN if user_id is None else self._artifact.users.position(user_id)
        profile, now = self._profile(user_id, session)
        candidates = self._listed.copy()
        if user_id is not None and not self._rules.repeat_purchases:
            owned = [*owned_by(self._snapshot, user_id), *sorted(self._online.bought(user_id))]
            had = self._artifact.products.positions(owned)
            candidates[had[had != UNKNOWN]] = False
        known = bool(len(profile.products)) or user != UNKNOWN
        if not known and user_id is not None:
            known = bool(self._online.read("ftr_users", [user_id]).found[0])
        question = Question(
            users=np.array([user]),
            profiles=profile,
            now=now,
            k=k,
            candidates=candidates,
            excluded=csr_array((1, len(candidates)), dtype=np.int8),
            features=None if user_id is None else self._features(user_id),
        )
        likes = {} if user_id is None else likes_of(self._snapshot, user_id, self._rules.relevant)
        shopper = self._artifact.shopper(self._catalogue, user, likes, profile)
        model, kind = self._artifact.model, self._artifact.kind
        places = model.places(question) if known else []
        if not places:
            model, kind = self._artifact.popularity, POPULARITY
        explained = [(place, model.reason(place, shopper)) for place in places]
        if len(places) < k:
            listed = {place.product for place in places}
            popular = self._artifact.popularity
            more = popular.places(replace(question, k=k + len(listed)))
            explained += [(one, None) for one in more if one.product not in listed]
        reasons = [
            (place, reason or popular_reason(self._artifact.popularity, place.product))
            for place, reason in explained[:k]
        ]
        return self._answer(user_id, known, kind, reasons)

    def _profile(
        self, user_id: str | None, session: Sequence[SessionEvent]
    ) -> tuple[Profiles, np.datetime64]:
        """What the user did, as one row, and the time that is asked about: the shop's clock, or the
        newest event if that is later."""
        rows: list[tuple[str, float, np.datetime64]] = []
        if user_id is not None:
            rows = user_events(self._snapshot, self._rules, user_id)
            rows += self._recent(user_id)
        times = [time for _, _, time in rows]
        now = max([*times, self._rules.as_of]) + np.timedelta64(1, "us")
        rows += [self._of_session(event, now) for event in session]
        at = self._artifact.products.positions([product for product, _, _ in rows])
        keep = np.flatnonzero(at != UNKNOWN)
        weights = np.array([weight for _, weight, _ in rows], dtype=np.float64)
        moments = np.array([time for _, _, time in rows], dtype="datetime64[us]")
        keep = keep[np.argsort(moments[keep], kind="stable")]
        profile = Profiles(
            np.array([0, len(keep)]), at[keep], weights[keep], moments[keep], (1, len(self._listed))
        )
        return profile, now

    def _recent(self, user_id: str) -> list[tuple[str, float, np.datetime64]]:
        """Events of the last day that the published features do not have yet."""
        found = self._online.read("rt_users", [user_id]).columns["rt_user_last_events"][0]
        rows = []
        for event in json.loads(str(found or "[]")):
            moment = np.datetime64(
                event["occurred_at"].removesuffix("Z").removesuffix("+00:00"), "us"
            )
            weight = EVENT_WEIGHTS.get(event["event_type"])
            if event.get("product_id") and weight and moment > self._rules.as_of:
                rows.append((event["product_id"], float(weight), moment))
        return rows

    def _of_session(
        self, event: SessionEvent, now: np.datetime64
    ) -> tuple[str, float, np.datetime64]:
        weights = {str(name): weight for name, weight in EVENT_WEIGHTS.items()}
        weight = weights.get(event.event_type)
        if weight is None:
            raise UnknownName(
                f"'{event.event_type}' is not a type of event that says something of a product",
                found=", ".join(EVENT_WEIGHTS),
                help="write product:view, or another of these types",
            )
        if self._artifact.products.position(event.product_id) == UNKNOWN:
            raise UnknownName(
                f"the model knows no product '{event.product_id}'",
                help="use the id of a product of the catalogue",
            )
        return event.product_id, float(weight), now

    def _features(self, user_id: str) -> _OnlineRows:
        """The features of a user with products, by their positions, as they are online now."""

        def frame(products: IntArray) -> pd.DataFrame:
            ids = [str(product) for product in self._artifact.products.ids[products]]
            categories = [self._catalogue[one][1] for one in ids]
            return self._online.serving_frame(user_id, ids, categories)

        return _OnlineRows(self._names, frame)

    def _answer(
        self, user_id: str | None, known: bool, kind: str, places: list[tuple[Place, str]]
    ) -> Recommendations:
        items = []
        for place, reason in places:
            product_id = str(self._artifact.products.ids[place.product])
            title, category = self._catalogue[product_id]
            items.append(Recommendation(product_id, title, category, place.score, reason))
        return Recommendations(user_id, known, kind, self._version, tuple(items))
