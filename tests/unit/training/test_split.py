"""The split by time, and what is asked of a model after a cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.fitting import fit_on_labels
from training.interactions import Index, Interactions
from training.labels import ShopData, ShopRules
from training.split import Window, holdout, split_by_time

START = np.datetime64("2026-01-01", "us")
AS_OF = np.datetime64("2026-02-01", "us")


def instants(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def rows(*values: tuple[int, int, float, str]) -> Interactions:
    users, products, labels, times = zip(*values, strict=True) if values else ((), (), (), ())
    return Interactions(
        np.array(users, dtype=np.int64),
        np.array(products, dtype=np.int64),
        np.array(labels, dtype=float),
        instants(*times),
    )


def shop(labels: Interactions, owned: Interactions, *, repeat: bool = False) -> ShopData:
    products = Index("abcdef")
    return ShopData(
        rules=ShopRules("test", AS_OF, (1.0, 5.0), 4.0, repeat, None),
        snapshot="0",
        users=Index("uvw"),
        products=products,
        titles=products.ids,
        categories=np.array(["x"] * 6),
        listed=np.array([True, True, True, True, True, False]),
        labels=labels,
        label_kind="rating",
        owned=owned,
    )


@given(st.lists(st.integers(0, 31 * 86_400_000_000), min_size=2, max_size=60))
def test_every_label_after_the_first_cut_is_in_exactly_one_window(offsets: list[int]) -> None:
    times = START + np.array(sorted(offsets)).astype("timedelta64[us]")
    windows = split_by_time(times, AS_OF).windows
    for window in windows:
        assert window.cut == window.cut.astype("datetime64[D]"), "a cut is a midnight"
        assert (times < window.cut).any()
        assert ((times >= window.cut) & (times < window.end)).any()
    for earlier, later in pairwise(windows):
        assert earlier.end == later.cut
    if windows:
        inside = sum(((times >= w.cut) & (times < w.end)).sum() for w in windows)
        assert inside == (times >= windows[0].cut).sum()


def test_even_days_are_cut_at_the_documented_shares() -> None:
    times = START + np.arange(30 * 24).astype("timedelta64[h]").astype("timedelta64[us]")
    split = split_by_time(times, AS_OF)
    assert [str(w.cut)[:10] for w in split.training] == ["2026-01-19", "2026-01-21", "2026-01-23"]
    assert split.validation is not None
    assert split.test is not None
    assert str(split.validation.cut)[:10] == "2026-01-25"
    assert str(split.test.cut)[:10] == "2026-01-28"
    assert split.test.end > AS_OF, "a label at as_of itself is in the last window"


@pytest.mark.parametrize(
    ("days", "training", "held_out"), [(1, 0, 0), (2, 0, 1), (3, 0, 2), (4, 1, 2)]
)
def test_few_days_give_fewer_windows(days: int, training: int, held_out: int) -> None:
    times = START + np.arange(days).astype("timedelta64[D]").astype("timedelta64[us]")
    split = split_by_time(times, AS_OF)
    assert len(split.training) == training
    assert len(split.windows) == training + held_out


WINDOW = Window(np.datetime64("2026-01-10", "us"), np.datetime64("2026-01-20", "us"))


def test_a_window_asks_for_new_liked_and_listed_products_only() -> None:
    labels = rows(
        (0, 0, 5.0, "2026-01-05"),  # before the cut
        (0, 1, 5.0, "2026-01-10T00:00:00"),  # at the cut: counts
        (0, 2, 3.9, "2026-01-12"),  # not liked
        (0, 3, 5.0, "2026-01-12"),  # bought before the cut
        (0, 5, 5.0, "2026-01-12"),  # no longer in the catalogue
        (1, 0, 4.0, "2026-01-19T23:59:59"),  # the last second
        (2, 0, 5.0, "2026-01-20"),  # after the window
    )
    owned = rows((0, 0, 1, "2026-01-05"), (0, 3, 1, "2026-01-09"), (0, 1, 1, "2026-01-10"))
    asked = holdout(shop(labels, owned), WINDOW, seed=1)
    assert asked.users.tolist() == [0, 1]
    assert asked.relevant.toarray().nonzero()[1].tolist() == [1, 0]
    assert asked.excluded.toarray()[0].nonzero()[0].tolist() == [0, 3]
    assert asked.ratings.tolist() == [5.0, 3.9, 5.0, 5.0, 4.0]


def test_a_shop_that_counts_repeat_purchases_excludes_nothing() -> None:
    labels = rows((0, 3, 5.0, "2026-01-12"))
    owned = rows((0, 3, 1, "2026-01-09"))
    asked = holdout(shop(labels, owned, repeat=True), WINDOW, seed=1)
    assert asked.relevant.toarray()[0].nonzero()[0].tolist() == [3]
    assert asked.excluded.nnz == 0


def test_models_of_a_cut_do_not_change_when_the_future_does() -> None:
    known = [
        (u, p, float(1 + (u + p) % 5), f"2026-01-0{1 + p}") for u in range(3) for p in range(4)
    ]
    future = [(0, 4, 5.0, "2026-01-10"), (1, 0, 1.0, "2026-01-15")]
    with_future = shop(rows(*known, *future), rows())
    without = replace(with_future, labels=rows(*known))
    one, other = (fit_on_labels(data, WINDOW.cut, seed=7) for data in (with_future, without))
    everyone = np.arange(3)
    for kind in ("popularity", "bias", "svd"):
        np.testing.assert_array_equal(
            one[kind].scores(everyone),  # type: ignore[attr-defined]
            other[kind].scores(everyone),  # type: ignore[attr-defined]
        )
