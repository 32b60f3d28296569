"""Hidden tastes: who likes what. The history and the stream of clicks are drawn from the same ones.

No file contains them; a model can only learn them from what people do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo_shop.catalogue import BRANDS, CATEGORIES, Catalogue
from demo_shop.people import AGE_GROUPS, COUNTRIES, People
from demo_shop.plan import DAYS, Plan

FACTORS = 6
SPECTRUM = 0.5
"""Weight of each factor relative to the one before: a few differences matter most."""

DRIFT = np.pi / 3
"""How far, as an angle, the personal part of a taste turns during the history."""

PRICE_WEIGHT = 1.6
QUALITY_SPREAD = 0.4
LENIENCY_SPREAD = 0.3
RATING_NOISE = 0.5


@dataclass(frozen=True)
class Tastes:
    """U users and P products in one space of F factors.

    A user is the sum of what their country and age group like and of a personal part, which turns
    slowly from `early` to `late`. A product is the sum of its category, its brand and its own.
    """

    common: np.ndarray
    early: np.ndarray
    late: np.ndarray
    budget: np.ndarray
    """(U,) the price level someone looks for, 0 to 1."""
    leniency: np.ndarray
    """(U,) stars that someone gives more than others do."""
    categories: np.ndarray
    products: np.ndarray
    level: np.ndarray
    quality: np.ndarray
    """(P,) what everybody agrees on, in stars."""

    def of_users(self, users: np.ndarray, day: float) -> np.ndarray:
        """(n, F) the tastes of users (n,) on a day."""
        angle = DRIFT * day / DAYS
        personal = np.cos(angle) * self.early[users] + np.sin(angle) * self.late[users]
        return self.common[users] + personal

    def affinity(self, users: np.ndarray, products: np.ndarray, day: float) -> np.ndarray:
        """(n, k) how much users (n,) like products (n, k) on a day, around 0 with a spread near 1.

        The product of both vectors, and how near the price is to what the user looks for.
        """
        match = np.einsum("nf,nkf->nk", self.of_users(users, day), self.products[products])
        gap = np.abs(self.level[products] - self.budget[users][:, None])
        return match + PRICE_WEIGHT * (0.3 - gap)

    def category_affinity(self, users: np.ndarray, day: float) -> np.ndarray:
        """(n, categories) how much users (n,) like each category on a day."""
        # einsum, not @: a linear-algebra library may add up in another order on another machine
        return np.einsum("nf,cf->nc", self.of_users(users, day), self.categories)

    def stars(
        self, rng: np.random.Generator, users: np.ndarray, products: np.ndarray, day: float
    ) -> np.ndarray:
        """(n,) ratings 1 to 5 that users (n,) give products (n,): taste, quality, leniency, noise."""
        liking = self.affinity(users, products[:, None], day)[:, 0]
        level = 2.9 + 1.05 * liking + self.quality[products] + self.leniency[users]
        noisy = level + rng.normal(0, RATING_NOISE, len(users))
        return np.clip(np.rint(noisy), 1, 5).astype(np.int64)


def make_tastes(plan: Plan, people: People, catalogue: Catalogue) -> Tastes:
    """Draw the tastes of a plan. The shares under the roots add up to 1 on either side."""
    rng = plan.random("tastes")
    users, products = len(people.ids), len(catalogue.ids)
    countries = rng.normal(size=(len(COUNTRIES), FACTORS))
    ages = rng.normal(size=(len(AGE_GROUPS) + 1, FACTORS))
    weights = SPECTRUM ** np.arange(FACTORS)
    weights /= np.sqrt((weights**2).sum())
    categories = weights * rng.normal(size=(len(CATEGORIES), FACTORS))
    brands = weights * rng.normal(size=(len(BRANDS), FACTORS))
    own = weights * rng.normal(size=(products, FACTORS))
    common = 0.2**0.5 * countries[people.country] + 0.2**0.5 * ages[people.age_group]
    return Tastes(
        common=common,
        early=0.6**0.5 * rng.normal(size=(users, FACTORS)),
        late=0.6**0.5 * rng.normal(size=(users, FACTORS)),
        budget=rng.beta(2, 2, users),
        leniency=rng.normal(0, LENIENCY_SPREAD, users),
        categories=categories,
        products=(
            0.5**0.5 * categories[catalogue.category]
            + 0.2**0.5 * brands[catalogue.brand]
            + 0.3**0.5 * own
        ),
        level=catalogue.level,
        quality=rng.normal(0, QUALITY_SPREAD, products),
    )
