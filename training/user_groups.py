"""Users by how much they did before, and products by how new they are, to be looked at alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from training.behaviour import Events
from training.interactions import BoolArray, IntArray
from training.protocols import Case

SIZES = (
    ("users_0", "users without an event", 0, 0),
    ("users_1_2", "users with 1 or 2 events", 1, 2),
    ("users_3_5", "users with 3 to 5 events", 3, 5),
    ("users_6_10", "users with 6 to 10 events", 6, 10),
    ("users_more", "users with over 10 events", 11, None),
)
"""Name, words, and how many events a user had before: at least and at most."""


@dataclass(frozen=True)
class Part:
    """Some users of a case, or all of them with some of their relevant products.

    Args:
        rows: (n,) places among the case's users, of those with something relevant here.
        relevant: (case's users, products) what counts here.
    """

    name: str
    words: str
    of: Literal["users", "products"]
    rows: IntArray
    relevant: csr_array


def parts_of(case: Case) -> Iterator[Part]:
    """The parts of a case, empty ones too.

    Of products there are three: those that the user had touched before (any event with it), those
    new to the user, and those with which nobody had had an event. A list is looked at as it is:
    places that other products take count against it.
    """
    relevant = case.holdout.relevant[case.holdout.users]
    before = np.bincount(case.events.users, minlength=case.holdout.relevant.shape[0])
    size = before[case.holdout.users]
    for name, words, least, most in SIZES:
        rows = np.flatnonzero(
            (size >= least) & (size <= (size.max(initial=0) if most is None else most))
        )
        yield Part(name, words, "users", rows, relevant)
    touched = touched_before(case)
    seen = np.bincount(case.events.products, minlength=relevant.shape[1]) > 0
    row, product = (axis.astype(np.int64) for axis in relevant.tocoo().coords)
    width = relevant.shape[1]
    again = np.isin(row * width + product, touched)
    for name, words, here in (
        ("products_again", "products touched before", again),
        ("products_new_to_user", "products new to the user", ~again & seen[product]),
        ("products_new", "products new in the shop", ~seen[product]),
    ):
        yield _of_products(name, words, row[here], product[here], relevant.shape)


def touched_before(case: Case) -> IntArray:
    """Pairs of a user of the case and a product that they had an event with: place * products +
    product, ascending."""
    products = case.holdout.relevant.shape[1]
    place = np.full(case.holdout.relevant.shape[0], -1, dtype=np.int64)
    place[case.holdout.users] = np.arange(len(case.holdout.users))
    at = place[case.events.users]
    return np.unique(at[at >= 0] * products + case.events.products[at >= 0])


def owners_of(events: Events, products: int) -> tuple[IntArray, int]:
    """How many users have had each product, (products,), and how many users there are."""
    good = events.positive()
    pairs = np.unique(good.users * products + good.products)
    return np.bincount(pairs % products, minlength=products), len(np.unique(good.users))


def _of_products(
    name: str, words: str, row: IntArray, product: IntArray, shape: tuple[int, int]
) -> Part:
    ones: BoolArray = np.ones(len(row), dtype=bool)
    relevant = csr_array((ones.astype(np.int8), (row, product)), shape=shape)
    return Part(name, words, "products", np.unique(row), relevant)
