"""Protocols: what is held out, and what a model may know before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.behaviour import Events
from training.evaluate import Holdout
from training.fitting import Wanted, fit_many, task_of
from training.holdout import holdout_of
from training.interactions import Index, Interactions
from training.kinds import KINDS, simplest_first
from training.labels import ShopData, ShopRules
from training.protocols import PROTOCOLS, Cases
from training.protocols.last_out import LastOutProtocol
from training.protocols.random import RandomProtocol
from training.protocols.time import SHARES, TimeProtocol, midnights

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
        events=events_of(labels),
    )


def events_of(labels: Interactions) -> Events:
    """Each label as an event, in the order of time."""
    order = np.argsort(labels.times, kind="stable")
    return Events(
        labels.users[order], labels.products[order], np.ones(len(labels)), labels.times[order]
    )


def shop_of(times: np.ndarray) -> ShopData:
    """One user who likes products in turn."""
    count = len(times)
    labels = Interactions(
        np.zeros(count, dtype=np.int64), np.arange(count) % 6, np.full(count, 5.0), times
    )
    return shop(labels, rows())


def spans(cases: Cases) -> list[tuple[str, int]]:
    """When each case begins, and how many labels it holds out."""
    return [(str(case.now)[:10], len(case.holdout.ratings)) for case in cases.all]


@given(st.lists(st.integers(0, 31 * 86_400_000_000), min_size=2, max_size=60))
def test_every_label_after_the_first_cut_is_in_exactly_one_window(offsets: list[int]) -> None:
    times = START + np.array(sorted(offsets)).astype("timedelta64[us]")
    cuts = midnights(times, SHARES)
    ends = [*cuts[1:], AS_OF + np.timedelta64(1, "us")] if len(cuts) else []
    for cut, end in zip(cuts, ends, strict=True):
        assert cut == cut.astype("datetime64[D]"), "a cut is a midnight"
        assert (times < cut).any()
        assert ((times >= cut) & (times < end)).any()
    if len(cuts):
        inside = sum(
            int(((times >= cut) & (times < end)).sum()) for cut, end in zip(cuts, ends, strict=True)
        )
        assert inside == (times >= cuts[0]).sum()


def test_even_days_are_cut_at_the_documented_shares() -> None:
    times = START + np.arange(30 * 24).astype("timedelta64[h]").astype("timedelta64[us]")
    cases = TimeProtocol().cases(shop_of(times), seed=1)
    starts = ["2026-01-19", "2026-01-21", "2026-01-23", "2026-01-25", "2026-01-28"]
    assert [start for start, _ in spans(cases)] == starts
    assert len(cases.training) == 3


@pytest.mark.parametrize(
    ("days", "training", "held_out"), [(1, 0, 0), (2, 0, 1), (3, 0, 2), (4, 1, 2)]
)
def test_few_days_give_fewer_windows(days: int, training: int, held_out: int) -> None:
    times = START + np.arange(days).astype("timedelta64[D]").astype("timedelta64[us]")
    cases = TimeProtocol().cases(shop_of(times), seed=1)
    assert len(cases.training) == training
    assert len(cases.judged) == held_out


def test_nothing_that_is_known_in_a_case_by_time_is_of_its_window_or_later() -> None:
    times = START + np.arange(200).astype("timedelta64[h]").astype("timedelta64[us]")
    for case in TimeProtocol().cases(shop_of(times), seed=1).all:
        assert case.known.times.max() < case.now
        assert case.events.times.max() < case.now


def test_the_random_protocol_holds_a_quarter_of_each_product_out_and_knows_the_rest() -> None:
    count = 80
    users, products = np.divmod(np.arange(count), 4)
    data = replace(
        shop(
            Interactions(
                users, products, np.full(count, 5.0), np.full(count, START, dtype="datetime64[us]")
            ),
            rows(),
        ),
        users=Index([f"{number:02}" for number in range(20)]),
    )
    cases = RandomProtocol(folds=4).cases(data, seed=3)
    test = cases.test
    assert test is not None
    assert np.bincount(test.holdout.rated_products).tolist() == [5, 5, 5, 5]
    assert len(test.known) == 60
    assert len(test.events) == 60
    asked = [case.holdout for case in (*cases.training, cases.judged[0])]
    pairs = [
        (int(u), int(p))
        for h in asked
        for u, p in zip(h.rated_users, h.rated_products, strict=True)
    ]
    assert len(set(pairs)) == len(pairs) == 60, "each other label is in one fold"
    assert not cases.as_of, "features as of a time know what is held out"


def test_the_last_label_of_each_user_is_the_test_and_the_one_before_it_the_validation() -> None:
    labels = rows(
        (0, 0, 5.0, "2026-01-01"),
        (0, 1, 5.0, "2026-01-02"),
        (0, 2, 5.0, "2026-01-03"),
        (1, 3, 5.0, "2026-01-01"),
        (1, 4, 5.0, "2026-01-09"),
    )
    cases = LastOutProtocol().cases(shop(labels, rows()), seed=1)
    assert cases.test is not None
    assert cases.validation is not None
    assert cases.test.holdout.rated_products.tolist() == [2, 4]
    assert cases.validation.holdout.rated_products.tolist() == [1, 3]
    assert sorted(cases.validation.events.products.tolist()) == [0]
    assert cases.validation.holdout.users.tolist() == [0], "user 1 had done nothing before"


def test_every_protocol_says_what_it_does() -> None:
    assert PROTOCOLS.names() == ("last_out", "random", "time")
    assert all(protocol.words for protocol in PROTOCOLS)


CUT, END = np.datetime64("2026-01-10", "us"), np.datetime64("2026-01-20", "us")


def asked_of(data: ShopData) -> Holdout:
    return holdout_of(
        data,
        data.labels.between(CUT, END),
        data.owned.before(CUT),
        data.events.before(CUT),
        known_users=False,
        seed=1,
    )


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
    asked = asked_of(shop(labels, owned))
    assert asked.users.tolist() == [0, 1]
    assert asked.relevant.toarray().nonzero()[1].tolist() == [1, 0]
    assert asked.excluded.toarray()[0].nonzero()[0].tolist() == [0, 3]
    assert asked.ratings.tolist() == [5.0, 3.9, 5.0, 5.0, 4.0]


def test_a_shop_that_counts_repeat_purchases_excludes_nothing() -> None:
    labels = rows((0, 3, 5.0, "2026-01-12"))
    owned = rows((0, 3, 1, "2026-01-09"))
    asked = asked_of(shop(labels, owned, repeat=True))
    assert asked.relevant.toarray()[0].nonzero()[0].tolist() == [3]
    assert asked.excluded.nnz == 0


def test_models_of_a_cut_do_not_change_when_the_future_does() -> None:
    known = [
        (u, p, float(1 + (u + p) % 5), f"2026-01-0{1 + p}") for u in range(3) for p in range(4)
    ]
    future = [(0, 4, 5.0, "2026-01-10"), (1, 0, 1.0, "2026-01-15")]
    with_future = shop(rows(*known, *future), rows())
    without = shop(rows(*known), rows())
    for kind in simplest_first():
        if kind.role == "combiner":
            continue
        stored = []
        for data in (with_future, without):
            task = task_of(data, data.labels.before(CUT), data.events.before(CUT), CUT, seed=7)
            (fit,) = fit_many([Wanted(kind, task, kind.parameters)])
            assert fit is not None or kind.name in ("category", "together")
            if fit is not None:
                stored.append(KINDS.get(kind.name).store(fit.model).arrays)
        for name, array in (stored[0] if stored else {}).items():
            np.testing.assert_array_equal(array, stored[1][name])
