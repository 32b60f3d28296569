"""What a visitor does in a session: the one model behind the history and the simulated stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo_shop.catalogue import Catalogue
from demo_shop.pairs import Pairs
from demo_shop.world import World

SHELF = 12
"""Products that a visitor is shown at a time; they look at the one they like best."""

LOOKS = 3.3
"""Mean number of products looked at after the first one."""
MOST_LOOKS = 20

IN_MIND = 0.65
"""Share of the shelves that come from the category the visitor has in mind; the others are what
is popular in the whole shop."""

CATEGORY_SHARPNESS = 2.2
TASTE_SHARPNESS = 1.1

CART, FAVORITE, OWNED = 2.4, 4.8, 3.0
"""How strong the wish for a product (taste and quality) must be to put it into the cart, or among
the favorites, with even odds; and how much weaker it is for what one has already."""

SHOWN_ONLY, CLICKED, CHECK_OUT, SECOND_THOUGHTS = 0.35, 0.35, 0.7, 0.12
"""Shares: of shelves with a logged impression, of looks that began with a click, of carts that are
paid, and of products that leave the cart again."""


@dataclass(frozen=True)
class Shelves:
    """Popularity on one day, ready to draw from."""

    day: int
    cumulative: np.ndarray
    """(P + 1,) running total over the products, from 0 to 1."""

    @classmethod
    def on(cls, catalogue: Catalogue, day: int) -> Shelves:
        """The shelves of a day."""
        running = np.concatenate([[0.0], np.cumsum(catalogue.popularity(day))])
        return cls(day, running / running[-1])

    def draw(
        self, rng: np.random.Generator, starts: np.ndarray, category: np.ndarray
    ) -> np.ndarray:
        """(n, SHELF) products by popularity, from category (n,), or from all where it is -1."""
        everywhere = category < 0
        first = np.where(everywhere, 0, starts[category])
        end = np.where(everywhere, starts[-1], starts[category + 1])
        low, high = self.cumulative[first][:, None], self.cumulative[end][:, None]
        place = low + (high - low) * rng.random((len(category), SHELF))
        found = np.searchsorted(self.cumulative, place, side="right") - 1
        return np.clip(found, first[:, None], end[:, None] - 1)


@dataclass(frozen=True)
class Looks:
    """One row per product looked at, in the order of sessions and time; arrays of length n."""

    session: np.ndarray
    """Number of the session, 0 to sessions - 1."""
    product: np.ndarray
    passed_over: np.ndarray
    """The product next to it on the shelf."""
    at: np.ndarray
    """Seconds since the session began."""
    impression: np.ndarray
    """Whether it is on record that the product next to it was shown; so with the others below."""
    click: np.ndarray
    favorite: np.ndarray
    cart: np.ndarray
    removed: np.ndarray
    bought: np.ndarray
    paid_at: np.ndarray
    """(sessions,) seconds since the session began, of the check-out."""


def browse(
    rng: np.random.Generator,
    world: World,
    shelves: Shelves,
    users: np.ndarray,
    owned: Pairs | None = None,
) -> Looks:
    """Sessions of users (S,), one each, on the day of `shelves`.

    Args:
        owned: what users bought before, which they seldom buy again. None: nothing.
    """
    tastes, day = world.tastes, shelves.day
    category = _category_in_mind(rng, world, users, day)
    count = np.minimum(1 + rng.poisson(LOOKS * rng.gamma(2, 0.5, len(users))), MOST_LOOKS)
    session = np.repeat(np.arange(len(users)), count)
    user = users[session]
    n = len(session)

    wanted = np.where(rng.random(n) < IN_MIND, category[session], -1)
    shelf = shelves.draw(rng, world.catalogue.starts, wanted)
    liking = tastes.affinity(user, shelf, day)
    chosen = (TASTE_SHARPNESS * liking + rng.gumbel(size=liking.shape)).argmax(axis=1)
    rows = np.arange(n)
    product, liked = shelf[rows, chosen], liking[rows, chosen]
    passed_over = shelf[rows, (chosen + 1) % SHELF]

    pause = 4 + rng.exponential(38, n)
    running = np.cumsum(pause)
    begins = np.cumsum(count) - count
    at = running - running[begins][session]

    wish = tastes.quality[product] + liked
    eager = wish - (OWNED * owned.has(user, product) if owned else 0)
    cart = rng.random(n) < _sigmoid(eager - CART)
    cart &= _first_of(session * len(world.catalogue.ids) + product, cart)
    removed = cart & (rng.random(n) < SECOND_THOUGHTS)
    pays = rng.random(len(users)) < CHECK_OUT
    last = at[begins + count - 1]
    return Looks(
        session=session,
        product=product,
        passed_over=passed_over,
        at=at,
        impression=(rng.random(n) < SHOWN_ONLY) & (passed_over != product),
        click=rng.random(n) < CLICKED,
        favorite=rng.random(n) < _sigmoid(wish - FAVORITE),
        cart=cart,
        removed=removed,
        bought=cart & ~removed & pays[session],
        paid_at=last + 30 + rng.exponential(60, len(users)),
    )


def _category_in_mind(
    rng: np.random.Generator, world: World, users: np.ndarray, day: int
) -> np.ndarray:
    likes = world.tastes.category_affinity(users, day)
    return (CATEGORY_SHARPNESS * likes + rng.gumbel(size=likes.shape)).argmax(axis=1)


def _first_of(keys: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Booleans: the first row of each key among the rows that `among` marks."""
    marked = np.flatnonzero(among)
    first = np.zeros(len(keys), dtype=bool)
    first[marked[np.unique(keys[marked], return_index=True)[1]]] = True
    return first


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
