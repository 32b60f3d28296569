"""The base models against Surprise itself and against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.training.asking import NOW, events, question
from training.interactions import Index, Interactions
from training.kinds.bias import fit_bias
from training.kinds.popularity import fit_popularity
from training.kinds.svd import EPOCHS, FACTORS, fit_svd, fit_svds
from training.surprise_trainset import surprise_trainset

SCALE = (1.0, 5.0)
USERS, PRODUCTS = 12, 15
"""User 11 and products 13 and 14 have no label: they are cold."""


@pytest.fixture(scope="module")
def known() -> Interactions:
    random = np.random.default_rng(5)
    pairs = random.permutation(11 * 13)[:90]
    days = random.integers(0, 50, len(pairs)).astype("timedelta64[D]")
    return Interactions(
        pairs // 13,
        pairs % 13,
        random.integers(1, 6, len(pairs)).astype(float),
        (np.datetime64("2026-01-01") + days).astype("datetime64[us]"),
    )


def test_svd_scores_equal_surprise_predict_for_every_pair_cold_ones_too(
    known: Interactions,
) -> None:
    import surprise

    ours = fit_svd(known, users=USERS, products=PRODUCTS, scale=SCALE, seed=7)
    fitted = surprise.SVD(FACTORS, EPOCHS, random_state=7).fit(surprise_trainset(known, SCALE))
    theirs = [
        [fitted.predict(user, product, clip=False).est for product in range(PRODUCTS)]
        for user in range(USERS)
    ]
    asked = question(events(), range(USERS), (USERS, PRODUCTS))
    np.testing.assert_allclose(ours.scores(asked), theirs, rtol=0, atol=1e-12)


def test_a_training_set_is_what_surprise_builds_of_the_same_rows(known: Interactions) -> None:
    import pandas as pd
    from surprise import Dataset, Reader

    rows = pd.DataFrame({"user": known.users, "product": known.products, "label": known.labels})
    theirs = Dataset.load_from_df(rows, Reader(rating_scale=SCALE)).build_full_trainset()
    ours = surprise_trainset(known, SCALE)
    assert vars(ours) == vars(theirs)
    assert list(ours.all_ratings()) == list(theirs.all_ratings())
    assert ours.global_mean == theirs.global_mean


def test_svd_stopped_on_the_way_is_svd_of_so_many_epochs(known: Interactions) -> None:
    early, late = fit_svds(
        known, users=USERS, products=PRODUCTS, scale=SCALE, seed=7, epochs=(2, 5)
    )
    for epochs, model in ((2, early), (5, late)):
        alone = fit_svd(known, users=USERS, products=PRODUCTS, scale=SCALE, seed=7, epochs=epochs)
        assert model.product_factors.tobytes() == alone.product_factors.tobytes()


def test_bias_ratings_equal_surprise_predict_clipped(known: Interactions) -> None:
    import surprise

    ours = fit_bias(known, users=USERS, products=PRODUCTS, scale=SCALE)
    fitted = surprise.BaselineOnly(verbose=False).fit(surprise_trainset(known, SCALE))
    users, products = (axis.ravel() for axis in np.mgrid[0:USERS, 0:PRODUCTS])
    theirs = [fitted.predict(int(u), int(p)).est for u, p in zip(users, products, strict=True)]
    np.testing.assert_allclose(ours.ratings(users, products), theirs, rtol=0, atol=1e-12)


def test_same_seed_same_bits(known: Interactions) -> None:
    first = fit_svd(known, users=USERS, products=PRODUCTS, scale=SCALE, seed=7)
    again = fit_svd(known, users=USERS, products=PRODUCTS, scale=SCALE, seed=7)
    other = fit_svd(known, users=USERS, products=PRODUCTS, scale=SCALE, seed=8)
    assert first.user_factors.tobytes() == again.user_factors.tobytes()
    assert first.product_factors.tobytes() == again.product_factors.tobytes()
    assert first.user_factors.tobytes() != other.user_factors.tobytes()


def test_an_unknown_user_is_scored_as_one_without_history(known: Interactions) -> None:
    model = fit_svd(known, users=USERS, products=PRODUCTS, scale=SCALE, seed=7)
    unknown, cold = model.scores(question(events(), [-1, 11], (USERS, PRODUCTS)))
    np.testing.assert_array_equal(unknown, cold)
    np.testing.assert_allclose(unknown, model.mean + model.product_bias)


def test_svd_reports_each_epoch(known: Interactions) -> None:
    seen: list[tuple[str, int, int]] = []
    fit_svd(
        known,
        users=USERS,
        products=PRODUCTS,
        scale=SCALE,
        seed=7,
        epochs=3,
        progress=lambda *call: seen.append(call),
    )
    assert seen == [("SVD", 1, 3), ("SVD", 2, 3), ("SVD", 3, 3)]


def test_an_event_of_thirty_days_ago_counts_half_and_what_speaks_against_counts_nothing() -> None:
    rows = Interactions(
        np.array([0, 1, 2]),
        np.array([0, 0, 1]),
        np.array([4.0, 5.0, 3.9]),
        np.array(["2026-03-31", "2026-03-01", "2026-03-31"], dtype="datetime64[us]"),
    )
    happened = events(
        (1, 0, 1.0, "2026-03-01"), (0, 0, 1.0, "2026-03-31"), (2, 1, -2.0, "2026-03-31")
    )
    model = fit_popularity(rows, happened, now=NOW, products=3, scale=SCALE, relevant=4.0)
    assert model.popularity.tolist() == [1.5, 0.0, 0.0]
    assert model.recent_likes.tolist() == [2.0, 0.0, 0.0]
    # damped means: overall 4.3; (9 + 5 * 4.3) / 7 for the first, the overall one without ratings
    np.testing.assert_allclose(model.mean_ratings, [(9 + 21.5) / 7, (3.9 + 21.5) / 6, 4.3])


def test_an_index_gives_unknown_ids_the_spare_row() -> None:
    index = Index(["b", "a", "b", "10"])
    assert index.ids.tolist() == ["10", "a", "b"]
    assert index.positions(["b", "zz", "", "10"]).tolist() == [2, -1, -1, 0]
    assert Index([]).positions(["a"]).tolist() == [-1]


def test_one_row_per_pair_keeps_the_latest_rating_or_the_highest_affinity() -> None:
    rows = Interactions(
        np.array([1, 0, 1]),
        np.array([2, 2, 2]),
        np.array([5.0, 3.0, 1.0]),
        np.array(["2026-01-01", "2026-01-01", "2026-01-02"], dtype="datetime64[us]"),
    )
    assert rows.one_per_pair(highest=False).labels.tolist() == [3.0, 1.0]
    assert rows.one_per_pair(highest=True).labels.tolist() == [3.0, 5.0]
