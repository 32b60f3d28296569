"""The order of recommendation lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.topk import top_k


def test_ties_go_to_the_lower_position_also_at_the_last_place() -> None:
    scores = np.array([[1.0, 2.0, 2.0, 2.0, 3.0]])
    assert top_k(scores, 3).tolist() == [[4, 1, 2]]


def test_what_must_not_be_recommended_leaves_an_empty_place() -> None:
    scores = np.array([[-np.inf, 0.5, -np.inf]])
    assert top_k(scores, 2).tolist() == [[1, -1]]


@given(
    st.lists(
        st.lists(st.sampled_from([-np.inf, 0.0, 1.0, 2.0]), min_size=7, max_size=7),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 9),
)
def test_equals_a_stable_sort_of_everything(rows: list[list[float]], k: int) -> None:
    expected = [
        [
            position if row[position] > -np.inf else -1
            for position in sorted(range(7), key=lambda p, row=row: (-row[p], p))[:k]
        ]
        for row in rows
    ]
    assert top_k(np.array(rows), k).tolist() == expected


@pytest.mark.parametrize("products", [511, 1024, 1300, 5003])
def test_a_wide_catalogue_equals_a_stable_sort_of_everything(products: int) -> None:
    random = np.random.default_rng(products)
    scores = random.normal(size=(6, products))
    scores[1] = np.round(scores[1])  # ties
    scores[2, 30:] = -np.inf
    scores[3] = np.sort(scores[3])  # the best stand together
    scores[4] = 0.0
    scores[5] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :40]
    expected = np.where(np.take_along_axis(scores, expected, axis=1) == -np.inf, -1, expected)
    np.testing.assert_array_equal(top_k(scores, 40), expected)
