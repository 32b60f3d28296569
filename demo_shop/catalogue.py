"""The demo shop's products: what they are, what they cost, and how sought after they are when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from itertools import product as combinations

import numpy as np

from demo_shop.plan import DAYS, Plan

CATEGORIES: dict[str, tuple[float, tuple[str, ...]]] = {
    "Audio": (90, ("Headphones", "Speaker", "Turntable", "Microphone", "Earbuds")),
    "Books": (16, ("Novel", "Atlas", "Cookbook", "Biography", "Essays")),
    "Cameras": (310, ("Camera", "Lens", "Tripod", "Flash", "Camera Bag")),
    "Coffee": (34, ("Espresso Beans", "Grinder", "Kettle", "Press", "Dripper")),
    "Cycling": (75, ("Helmet", "Saddle", "Bike Light", "Pannier", "Jersey")),
    "Games": (42, ("Board Game", "Card Game", "Puzzle", "Chess Set", "Dice Set")),
    "Garden": (38, ("Secateurs", "Planter", "Hose", "Seed Set", "Rake")),
    "Kitchen": (48, ("Knife", "Pan", "Cutting Board", "Mixer", "Scale")),
    "Lighting": (55, ("Lamp", "Lantern", "Desk Light", "Pendant", "Bulb Set")),
    "Outdoor": (120, ("Tent", "Backpack", "Stove", "Sleeping Bag", "Hammock")),
    "Running": (85, ("Running Shoes", "Shorts", "Vest", "Watch", "Socks")),
    "Stationery": (14, ("Notebook", "Fountain Pen", "Planner", "Sketchbook", "Ink")),
}
"""Category -> (middle price in EUR, what is sold in it)."""

BRANDS = tuple(
    first + second
    for first, second in combinations(
        ("Al", "Bor", "Cas", "Dun", "Fen", "Hal", "Kor", "Lum", "Nor", "Vel"),
        ("da", "mark", "tis", "wick"),
    )
)
STYLES = (
    "Classic", "Compact", "Everyday", "Feather", "Granite", "Harbour", "Heritage", "Meadow",
    "Midnight", "Nomad", "Origin", "Pioneer", "Quiet", "Summit", "Trail", "Urban",
)  # fmt: skip
CURRENCY = "EUR"

NEW_PRODUCTS = 0.3
"""Share of the products that appear during the history."""

LONG_TAIL = 0.75
"""Exponent of popularity over rank (Zipf's law)."""

WAVES = 2
"""How often, at most, a product comes into fashion."""


@dataclass(frozen=True)
class Catalogue:
    """All products by number; arrays of length P, ordered by category."""

    ids: np.ndarray
    titles: list[str]
    category: np.ndarray
    brand: np.ndarray
    cents: np.ndarray
    level: np.ndarray
    """Place of the price within its category, 0 cheapest to 1 dearest."""
    launched: np.ndarray
    """Day's number from which it is sold; below 0 for what was there before the history."""
    updated: np.ndarray
    """Fractional day of the last change of its record; at or after its launch."""
    in_stock: np.ndarray
    appeal: np.ndarray
    """Popularity without fashions, a long tail."""
    wave_day: np.ndarray
    wave_width: np.ndarray
    wave_height: np.ndarray
    starts: np.ndarray
    """(categories + 1,) where each category's products begin; the last entry is P."""

    def popularity(self, day: int) -> np.ndarray:
        """(P,) how sought after each product is on a day; 0 before its launch; not normalised.

        Appeal, times fashions that come and go (a Gaussian bump in the logarithm), times the
        curiosity about what is new (up to fourfold, halved every week).
        """
        distance = (day - self.wave_day) / self.wave_width
        fashion = (self.wave_height * np.exp(-0.5 * distance**2)).sum(axis=0)
        age = day - self.launched
        curiosity = 1 + 3 * 0.5 ** (np.maximum(age, 0) / 7) * (self.launched > 0)
        return np.where(age >= 0, self.appeal * np.exp(fashion) * curiosity, 0.0)


def make_catalogue(plan: Plan) -> Catalogue:
    """Draw the products of a plan."""
    rng = plan.random("catalogue")
    count = plan.products
    category = np.sort(rng.permutation(np.arange(count) % len(CATEGORIES)))
    starts = np.searchsorted(category, np.arange(len(CATEGORIES) + 1))
    brand = rng.integers(0, len(BRANDS), count)
    launched = np.where(rng.random(count) < NEW_PRODUCTS, rng.integers(1, DAYS, count), -1)
    launched[starts[:-1]] = -1  # every category sells something from the first day
    updated = np.where(launched > 0, launched, -rng.uniform(0.5, 300, count))
    touched = rng.random(count) < 0.15
    latest = DAYS - 1 + 0.05
    later = np.maximum(updated, 0) + rng.random(count) * (latest - np.maximum(updated, 0))
    middle = np.array([price for price, _ in CATEGORIES.values()])[category]
    euros = np.maximum(2, np.floor(middle * rng.lognormal(0, 0.55, count)))
    cents = (euros * 100 - rng.choice([1, 5, 10, 50], count)).astype(np.int64)
    rank = rng.permutation(count) + 1
    return Catalogue(
        ids=np.array([f"p{number:05d}" for number in range(1, count + 1)]),
        titles=_titles(rng, category, brand),
        category=category,
        brand=brand,
        cents=cents,
        level=_level(cents, starts),
        launched=launched,
        updated=np.where(touched, later, updated),
        in_stock=rng.random(count) < 0.94,
        appeal=(rank + 10.0) ** -LONG_TAIL * rng.lognormal(0, 0.3, count),
        wave_day=rng.uniform(-10, DAYS + 10, (WAVES, count)),
        wave_width=rng.uniform(4, 12, (WAVES, count)),
        wave_height=np.maximum(0, rng.normal(0.6, 0.9, (WAVES, count))),
        starts=starts,
    )


def _level(cents: np.ndarray, starts: np.ndarray) -> np.ndarray:
    level = np.empty(len(cents))
    for begin, end in pairwise(starts):
        rank = cents[begin:end].argsort(kind="stable").argsort(kind="stable")
        level[begin:end] = rank / max(1, end - begin - 1)
    return level


def _titles(rng: np.random.Generator, category: np.ndarray, brand: np.ndarray) -> list[str]:
    nouns = [names for _, names in CATEGORIES.values()]
    styles = rng.integers(0, len(STYLES), len(category))
    goods = rng.integers(0, 5, len(category))
    seen: dict[str, int] = {}
    titles = []
    for number in range(len(category)):
        noun = nouns[category[number]][goods[number]]
        title = f"{BRANDS[brand[number]]} {STYLES[styles[number]]} {noun}"
        seen[title] = seen.get(title, 0) + 1
        titles.append(title if seen[title] == 1 else f"{title} {seen[title]}")
    return titles


def catalogue_items(plan: Plan, catalogue: Catalogue) -> list[dict[str, object]]:
    """The products as the catalogue API hands them out."""
    names = list(CATEGORIES)
    items: list[dict[str, object]] = []
    for number, product_id in enumerate(catalogue.ids):
        updated = plan.instant(float(catalogue.updated[number]))
        items.append(
            {
                "product_id": str(product_id),
                "title": catalogue.titles[number],
                "category": names[catalogue.category[number]],
                "brand": BRANDS[catalogue.brand[number]],
                "price": int(catalogue.cents[number]) / 100,
                "currency": CURRENCY,
                "in_stock": bool(catalogue.in_stock[number]),
                "updated_at": updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
    return items
