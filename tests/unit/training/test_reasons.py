"""Reasons say what is true of the model and of the user."""

from __future__ import annotations

import numpy as np
import pytest

from training.artifact import Artifact
from training.interactions import Index
from training.kinds.popularity import Popularity
from training.kinds.ranker import Ranker
from training.kinds.svd import SVD
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


def explain(artifact: Artifact, place: Place) -> str:
    return artifact.model.reason(place, artifact.shopper(CATALOGUE, 0, {"a": 5.0}))


def test_svd_names_the_liked_product_that_is_rated_alike(artifact: Artifact) -> None:
    assert explain(artifact, Place(1, 4.0)) == "similar to Alien, which you rated 5"


def test_svd_does_not_claim_taste_where_the_product_is_liked_by_all(artifact: Artifact) -> None:
    assert explain(artifact, Place(2, 4.0)) == "rated well by other customers (4.5 of 5)"


def ranked(artifact: Artifact, contributions: dict[str, float], **features: float) -> str:
    assert isinstance(artifact.model, SVD)
    ranker = Ranker("", (), artifact.model, artifact.popularity)
    own = Artifact(
        "ranker", artifact.users, artifact.products, ranker, artifact.popularity, artifact.facts
    )
    return explain(own, Place(1, 1.0, features, contributions))


def test_the_ranker_names_its_largest_contribution(artifact: Artifact) -> None:
    reason = ranked(
        artifact,
        {"user_category_share_90d": 0.5, "popularity": 0.4, "user_views_7d": 9.0},
        user_category_interactions_90d=3.0,
    )
    assert reason == "you often look at Film"


def test_the_ranker_does_not_claim_what_never_happened(artifact: Artifact) -> None:
    reason = ranked(
        artifact,
        {"user_category_share_90d": 0.5, "popularity": 0.4},
        user_category_interactions_90d=0.0,
    )
    assert reason == "popular now: 12 customers liked it in 30 days"


def test_what_speaks_against_a_product_is_no_reason_for_it(artifact: Artifact) -> None:
    reason = ranked(artifact, {"product_price_percentile": -1.0, "svd_taste": 0.1})
    assert reason == "similar to Alien, which you rated 5"
