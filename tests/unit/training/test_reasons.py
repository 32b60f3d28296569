"""Reasons say what is true of the model and of the user."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.training.asking import NOW, events
from training.artifact import Artifact
from training.behaviour import Events, profiles_of
from training.interactions import Index
from training.kinds._combined import Sources
from training.kinds.ease import Ease
from training.kinds.history import OwnHistory
from training.kinds.popularity import Popularity
from training.kinds.ranker import Ranker
from training.kinds.svd import SVD
from training.local_features import moment_of
from training.model import Model
from training.reasons import Place

SCALE = (1.0, 5.0)
CATALOGUE = {"a": ("Alien", "Film"), "b": ("Blade", "Film"), "c": ("Cup", "Kitchen")}


@pytest.fixture
def artifact() -> Artifact:
    """User u's taste points to a and b, which are alike; c is liked for its bias alone."""
    popularity = Popularity(
        np.array([1.0, 0.5, 0.0]), np.array([1.0, 12.0, 0.0]), np.array([4.0, 3.0, 4.5]), SCALE
    )
    svd = SVD(
        mean=3.0,
        user_bias=np.zeros(2),
        product_bias=np.array([0.1, 0.1, 1.0]),
        user_factors=np.array([[1.0, 0.0], [0.0, 0.0]]),
        product_factors=np.array([[1.0, 0.1], [0.9, 0.2], [0.0, 1.0]]),
        scale=SCALE,
    )
    facts = {"label_kind": "rating"}
    return Artifact("svd", Index("u"), Index("abc"), svd, popularity, facts)


def explain(artifact: Artifact, place: Place, did: Events | None = None) -> str | None:
    did = did if did is not None else events((0, 0, 1.0, "2026-03-20"))
    profile = profiles_of(did, np.array([0]), (1, 3))
    shopper = artifact.shopper(CATALOGUE, 0, {"a": 5.0}, profile)
    return artifact.model.reason(place, shopper)


def with_model(artifact: Artifact, kind: str, model: Model) -> Artifact:
    return Artifact(
        kind, artifact.users, artifact.products, model, artifact.popularity, artifact.facts
    )


def test_svd_names_the_liked_product_that_is_rated_alike(artifact: Artifact) -> None:
    assert explain(artifact, Place(1, 4.0)) == "similar to Alien, which you rated 5"


def test_svd_does_not_claim_taste_where_the_product_is_liked_by_all(artifact: Artifact) -> None:
    assert explain(artifact, Place(2, 4.0)) == "rated well by other customers (4.5 of 5)"


def test_ease_names_the_product_of_the_profile_that_speaks_for_it_most(artifact: Artifact) -> None:
    weights = np.array([[0, 0.4, 0], [0.4, 0, 0], [0, 0.1, 0]], dtype=np.float32)
    ease = with_model(artifact, "ease", Ease(np.arange(3), weights, SCALE))
    both = events((0, 0, 1.0, "2026-03-20"), (0, 2, 1.0, "2026-03-21"))
    assert explain(ease, Place(1, 1.0), both) == "customers who like Alien also choose it"
    assert explain(ease, Place(2, 1.0), both) is None, "nothing of the profile speaks for it"


def test_own_history_says_how_often_the_user_comes_back(artifact: Artifact) -> None:
    again = with_model(artifact, "history", OwnHistory(30.0, SCALE))
    regular = events(*((0, 1, 1.0, f"2026-03-{day:02}") for day in (1, 11, 23)))
    assert explain(again, Place(1, 1.0), regular) == "you come back to it about every 11 days"
    once = events((0, 1, 1.0, "2026-03-20"))
    assert explain(again, Place(1, 1.0), once) == "you looked at it lately"
    assert explain(again, Place(2, 1.0), once) is None


def ranked(artifact: Artifact, contributions: dict[str, float], **features: float) -> str | None:
    weights = np.array([[0, 0.4, 0], [0.4, 0, 0], [0, 0.1, 0]], dtype=np.float32)
    sources = Sources(
        {"ease": Ease(np.arange(3), weights, SCALE)},
        moment_of(events(), np.array([0, 0, 1]), NOW),
    )
    ranker = with_model(artifact, "ranker", Ranker((), (), sources, SCALE))
    return explain(ranker, Place(1, 1.0, features, contributions))


def test_the_ranker_names_its_largest_contribution(artifact: Artifact) -> None:
    reason = ranked(
        artifact,
        {"user_category_share_90d": 0.5, "popular_7d": 0.4, "user_views_7d": 9.0},
        user_category_interactions_90d=3.0,
    )
    assert reason == "you often look at Film"


def test_the_ranker_does_not_claim_what_never_happened(artifact: Artifact) -> None:
    reason = ranked(
        artifact,
        {"user_category_share_90d": 0.5, "popular_7d": 0.4, "own_due": 0.9},
        user_category_interactions_90d=0.0,
    )
    assert reason == "popular now: 12 customers liked it in 30 days"


def test_what_speaks_against_a_product_is_no_reason_for_it(artifact: Artifact) -> None:
    reason = ranked(artifact, {"product_price_percentile": -1.0, "ease_share": 0.1})
    assert reason == "customers who like Alien also choose it"


def test_a_feature_that_nobody_named_is_not_called_a_trend(artifact: Artifact) -> None:
    reason = ranked(artifact, {"product_weight_in_grams": 5.0}, ease_rank=0.0)
    assert reason == "customers who like Alien also choose it"
