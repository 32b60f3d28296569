"""What is held out: whom a model is asked about, and which answers are right."""

from __future__ import annotations

import numpy as np

from training.behaviour import Events
from training.evaluate import Holdout, pairs
from training.interactions import IntArray, Interactions
from training.labels import ShopData

MAX_EVALUATED_USERS = 2_000
"""More users than that are sampled: their mean no longer moves in the third digit."""


def holdout_of(
    data: ShopData,
    happened: Interactions,
    owned: Interactions,
    events: Events,
    *,
    known_users: bool,
    seed: int,
    most: int = MAX_EVALUATED_USERS,
) -> Holdout:
    """The question about what happened, to a model that knows what was before it.

    Relevant is a listed product that the user liked in the window (label of at least
    rules.relevant) and, unless repeat purchases count, neither bought nor rated before.

    Args:
        happened: the held-out labels.
        owned: what users had before.
        events: what users did before.
        known_users: whether users without an event are left out.
    """
    shape = (len(data.users), len(data.products))
    known = owned
    if data.rules.repeat_purchases:
        known = known.where(np.zeros(len(known), dtype=bool))
    excluded = pairs(known.users, known.products, shape)
    liked = happened.where(
        (happened.labels >= data.rules.relevant) & data.listed[happened.products]
    )
    had = np.isin(
        _keys(liked.users, liked.products, shape), _keys(known.users, known.products, shape)
    )
    liked = liked.where(~had)
    users = np.unique(liked.users)
    if known_users:
        users = users[np.isin(users, events.users)]
    if len(users) > most:
        chosen = np.random.default_rng(seed).choice(users, most, replace=False)
        users = np.sort(chosen)
    rated = happened.one_per_pair(highest=data.label_kind != "rating")
    return Holdout(
        users=users,
        relevant=pairs(liked.users, liked.products, shape),
        excluded=excluded,
        candidates=data.listed,
        rated_users=rated.users,
        rated_products=rated.products,
        ratings=rated.labels,
    )


def _keys(users: IntArray, products: IntArray, shape: tuple[int, int]) -> IntArray:
    return users * shape[1] + products
