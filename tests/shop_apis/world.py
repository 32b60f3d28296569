"""An invented shop behind each mock API: its products and orders, and how they change."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

OPENED = datetime(2025, 3, 1, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Product:
    id: int
    title: str
    category: str
    cents: int
    in_stock: bool
    created: datetime
    changed: datetime


@dataclass(frozen=True)
class Line:
    """A line of an order; `id` is unique among all orders."""

    id: int
    product: int
    quantity: int
    cents: int
    """The price of one."""


@dataclass(frozen=True)
class Order:
    id: int
    customer: int | None
    """None for a guest."""
    created: datetime
    changed: datetime
    lines: tuple[Line, ...]
    cancelled: bool


@dataclass
class World:
    """The shop as it is now. `before` is called with the name of a list and the number of the request
    for one of its pages, which is not answered yet."""

    products: dict[int, Product] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    now: datetime = OPENED
    requests: Counter[str] = field(default_factory=Counter)
    before: Callable[[str, int], None] = lambda name, number: None

    @classmethod
    def invented(cls, *, products: int, orders: int, seed: int = 7) -> World:
        """A shop in which something happens every minute."""
        world, rng = cls(), random.Random(seed)
        for number in range(products):
            world.add_product(
                f"Thing {number}", f"Group {rng.randrange(5)}", rng.randrange(100, 9_999)
            )
        for _ in range(orders):
            customer = rng.choice([None, *range(1, 40)])
            wanted = rng.sample(sorted(world.products), rng.randrange(1, 5))
            lines = [(product, rng.randrange(1, 4)) for product in wanted]
            world.add_order(customer, lines, cancelled=rng.random() < 0.1)
        return world

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def asked(self, name: str) -> None:
        """Note a request for products or orders."""
        self.requests[name] += 1
        self.before(name, self.requests[name])

    def add_product(self, title: str, category: str, cents: int) -> int:
        number, at = max(self.products, default=1000) + 1, self.tick()
        self.products[number] = Product(number, title, category, cents, number % 3 > 0, at, at)
        return number

    def change_price(self, number: int, cents: int) -> None:
        self.products[number] = replace(self.products[number], cents=cents, changed=self.tick())

    def add_order(
        self, customer: int | None, wanted: list[tuple[int, int]], *, cancelled: bool = False
    ) -> int:
        number, at = max(self.orders, default=5000) + 1, self.tick()
        lines = tuple(
            Line(10 * number + place, product, quantity, self.products[product].cents)
            for place, (product, quantity) in enumerate(wanted)
        )
        self.orders[number] = Order(number, customer, at, at, lines, cancelled)
        return number

    def change_quantity(self, order: int, quantity: int) -> None:
        """Of the first line of an order."""
        first, *others = self.orders[order].lines
        lines = (replace(first, quantity=quantity), *others)
        self.orders[order] = replace(self.orders[order], lines=lines, changed=self.tick())

    def product_rows(self) -> set[tuple[str | None, ...]]:
        """Id, title, category, price and availability of every product, as raw tables have them."""
        return {
            (str(p.id), p.title, p.category, decimal(p.cents), str(p.in_stock).lower())
            for p in self.products.values()
        }

    def line_rows(self) -> set[tuple[str | None, ...]]:
        """Order, line, customer, product, quantity and price of one, of every line of an order that was
        not cancelled."""
        return {
            (str(o.id), str(x.id), o.customer and str(o.customer), str(x.product), str(x.quantity),
             decimal(x.cents))
            for o in self.orders.values() if not o.cancelled for x in o.lines
        }  # fmt: skip


def decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
