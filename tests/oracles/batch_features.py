"""Batch features by brute force: for one entity and day, go through all facts and count."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property


@dataclass(frozen=True)
class Fact:
    """A rating, a line of an order, or an event, after it was accepted."""

    kind: str
    user_id: str
    product_id: str | None
    at: datetime
    order_id: str | None = None
    line_no: int | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    rating: Decimal | None = None
    is_event: bool = False


@dataclass(frozen=True)
class World:
    """Facts, and what the shop says of its users and products."""

    facts: tuple[Fact, ...]
    signed_up: dict[str, datetime | None]
    categories: dict[str, str]
    prices: dict[str, Decimal | None]

    @property
    def as_of(self) -> datetime:
        return max(fact.at for fact in self.facts)

    @cached_property
    def interactions(self) -> list[Fact]:
        """Facts with a product; purchase events only where there are no transactions."""
        sells = any(fact.order_id is not None for fact in self.facts)
        return [
            fact
            for fact in self.facts
            if fact.product_id is not None
            and not (sells and fact.is_event and fact.kind == "purchase")
        ]

    def category(self, fact: Fact) -> str:
        return self.categories.get(fact.product_id or "", "unknown")

    def spend(self, facts: Iterable[Fact]) -> Decimal:
        total = Decimal(0)
        for fact in facts:
            if fact.kind == "purchase":
                price = fact.unit_price
                if price is None:
                    price = self.prices.get(fact.product_id or "")
                total += (fact.quantity or 1) * (price or Decimal(0))
        return total


def _window(facts: list[Fact], day: date, days: int) -> list[Fact]:
    """Facts of the `days` whole days before `day`."""
    return [f for f in facts if day - timedelta(days=days) <= f.at.date() < day]


def _before(facts: list[Fact], day: date) -> list[Fact]:
    return [f for f in facts if f.at.date() < day]


def _kind(kind: str) -> Callable[[list[Fact]], int]:
    return lambda facts: sum(f.kind == kind for f in facts)


def user_features(world: World, user_id: str, day: date) -> dict[str, object] | None:
    """What ftr_users says of a user at any instant of a day; None before the user is known."""
    of_user = [f for f in world.facts if f.user_id == user_id]
    signed_up = world.signed_up.get(user_id)
    known = [f.at for f in of_user] + ([signed_up] if signed_up else [])
    first = min(known) if known else min(f.at for f in world.facts)
    if day < min(first, world.as_of).date():
        return None
    acts = [f for f in world.interactions if f.user_id == user_id and f.kind != "impression"]
    features: dict[str, object] = {}
    for days in (7, 30, 90):
        within = _window(acts, day, days)
        features[f"user_interactions_{days}d"] = len(within)
        features[f"user_views_{days}d"] = _kind("view")(within)
        features[f"user_carts_{days}d"] = _kind("add_to_cart")(within)
        features[f"user_purchases_{days}d"] = _kind("purchase")(within)
    ratings = [f.rating for f in _before(acts, day) if f.rating is not None]
    features["user_ratings_count"] = len(ratings)
    features["user_ratings_sum"] = sum(ratings, Decimal(0))
    features["user_ratings_sum_sq"] = sum((r * r for r in ratings), Decimal(0))
    quarter = _window(acts, day, 90)
    features["user_spend_90d"] = world.spend(quarter)
    features["user_orders_90d"] = _orders(acts, day)
    features["user_categories_90d"] = len({world.category(f) for f in quarter})
    features["user_last_activity_at"] = max((f.at for f in _before(acts, day)), default=None)
    features["user_signed_up_at"] = signed_up if signed_up and signed_up.date() < day else None
    return features


def _orders(acts: list[Fact], day: date) -> int:
    """Orders whose first line lies in the 90 days before; a purchase event is an order."""
    purchases = [f for f in acts if f.kind == "purchase"]
    first: dict[object, date] = {}
    for number, fact in enumerate(purchases):
        order = fact.order_id if fact.order_id is not None else number
        first[order] = min(first.get(order, fact.at.date()), fact.at.date())
    return sum(day - timedelta(days=90) <= begun < day for begun in first.values())


def product_features(world: World, product_id: str, day: date) -> dict[str, object] | None:
    """What ftr_products says of a product at any instant of a day; None before it is known."""
    seen = [f.at for f in world.facts if f.product_id == product_id]
    first = min(seen) if seen else None
    if day < (first or min(f.at for f in world.facts)).date():
        return None
    acts = [f for f in world.interactions if f.product_id == product_id]
    features: dict[str, object] = {}
    for days in (7, 30):
        within = _window(acts, day, days)
        features[f"product_views_{days}d"] = _kind("view")(within)
        features[f"product_carts_{days}d"] = _kind("add_to_cart")(within)
        features[f"product_purchases_{days}d"] = _kind("purchase")(within)
    ratings = [f.rating for f in _before(acts, day) if f.rating is not None]
    features["product_ratings_count"] = len(ratings)
    features["product_ratings_sum"] = sum(ratings, Decimal(0))
    features["product_category"] = world.categories.get(product_id, "unknown")
    features["product_price"] = world.prices.get(product_id)
    features["product_price_percentile"] = _price_percentile(world, product_id)
    features["product_first_seen_at"] = first if first and first.date() < day else None
    return features


def _price_percentile(world: World, product_id: str) -> float | None:
    """Share of the other priced products of the category that cost less."""
    price = world.prices.get(product_id)
    if price is None:
        return None
    category = world.categories.get(product_id, "unknown")
    prices = [
        other
        for product, other in world.prices.items()
        if other is not None and world.categories.get(product, "unknown") == category
    ]
    if len(prices) == 1:
        return 0.0
    return round(sum(other < price for other in prices) / (len(prices) - 1), 6)


def user_category_features(
    world: World, user_id: str, category: str, day: date
) -> dict[str, object] | None:
    """What ftr_user_categories says at any instant of a day; None before the first interaction."""
    acts = [
        f
        for f in world.interactions
        if f.user_id == user_id and f.kind != "impression" and world.category(f) == category
    ]
    if not _before(acts, day):
        return None
    within = _window(acts, day, 90)
    return {
        "user_category_interactions_90d": len(within),
        "user_category_spend_90d": world.spend(within),
    }
