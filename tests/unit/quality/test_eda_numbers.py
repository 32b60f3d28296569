"""The numbers behind the plots, worked by hand or by another implementation."""

from __future__ import annotations

from datetime import datetime
from math import log

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from quality.eda.activity import half
from quality.eda.correlations import rank_correlations
from quality.eda.drift import bins, stability_index
from quality.eda.hours import hours_between
from quality.eda.picture import label, percent


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([6, 4, 1], 1), ([5, 5], 1), ([4, 3, 2, 1], 2), ([1, 1, 1], 2), ([0, 0], 0), ([], 0)],
)
def test_half_is_reached_by_so_many_of_the_largest(counts: list[int], expected: int) -> None:
    assert half(np.array(counts)) == expected


def test_counts_fall_into_bins_that_double() -> None:
    assert bins(np.array([0, 1, 2, 3, 4, 7, 8, 15, 16])).tolist() == [0, 1, 2, 2, 3, 3, 4, 4, 5]


def test_stability_index_by_hand() -> None:
    # shares .5 .5 against .8 .2: .3 ln 1.6 + (-.3) ln .4
    index = stability_index(np.array([50, 50]), np.array([80, 20]))
    assert index == pytest.approx(0.3 * log(1.6) - 0.3 * log(0.4))


def test_stability_index_of_equal_shares_is_zero_whatever_the_sizes() -> None:
    assert stability_index(np.array([1, 3, 0]), np.array([10, 30, 0])) == pytest.approx(0)


def test_a_bin_that_is_empty_at_one_time_counts_as_half_a_row() -> None:
    # (1 - .5) ln (1 / .5) + (.25 - .5) ln (.25 / .5)
    index = stability_index(np.array([1, 1]), np.array([2, 0]))
    assert index == pytest.approx(0.5 * log(2) + 0.25 * log(2))


def test_hours_of_days_known_in_part_count_for_their_part() -> None:
    # Monday 22:30 to the next Monday 00:10: two of Monday's 00:00 would need one before
    known = hours_between(datetime(2024, 1, 1, 22, 30), datetime(2024, 1, 8, 0, 10))
    assert known.sum() == 2 + 6 * 24 + 1
    assert known[0].nonzero()[0].tolist() == [0, 22, 23]
    assert (known[1:] == 1).all()


def test_rank_correlations_are_those_of_scipy() -> None:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.integers(0, 9, (60, 3)), columns=["a", "b", "c"])
    frame["constant"] = 1
    table = rank_correlations(frame)
    assert list(table) == ["a", "b", "c"]
    assert table.loc["a", "b"] == pytest.approx(spearmanr(frame["a"], frame["b"]).statistic)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.5, "50%"), (0.0812, "8.1%"), (0.00138, "0.1%"), (0.0004, "0.04%"), (0, "0%"), (1, "100%")],
)
def test_shares_in_words(share: float, words: str) -> None:
    assert percent(share) == words


def test_label_shows_what_the_font_lacks_as_an_escape() -> None:
    assert label("Caf\u00e9 \u6f22\x1b") == r"Café \u6f22\x1b"
