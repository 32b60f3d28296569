"""A lake's accepted facts as the oracle's worlds: of one entity at a time, so that counting is cheap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from recomart.sql import identifier
from tests.oracles.batch_features import Fact, World

# What the till took for a line is its total; the catalogue's price stands in where it has none.
FACTS = """(
    select
        'rating' as kind, user_id, product_id, rated_at as at, null as order_id,
        null as quantity, null as price, rating, false as is_event
    from marts.fct_ratings
    union all
    select
        'purchase', user_id, product_id, ordered_at, order_id,
        case when line_total is null then quantity end, line_total, null, false
    from marts.fct_transactions
    union all
    select event_type, user_id, product_id, occurred_at, null, null, null, null, true
    from marts.fct_events
)"""


@dataclass(frozen=True)
class ShopFacts:
    """What a warehouse holds of a shop, as far as the features of some users and products need it.

    Args:
        first, as_of: the shop's first fact, and its clock.
        sells: whether it has transactions.
        signed_up, categories, prices, listed: by user or product; `listed` is when the catalogue
            first had a product.
        of_users, of_products: the facts of those asked for.
    """

    first: datetime
    as_of: datetime
    sells: bool
    signed_up: dict[str, datetime | None]
    categories: dict[str, str]
    prices: dict[str, Decimal | None]
    listed: dict[str, datetime]
    of_users: dict[str, list[Fact]]
    of_products: dict[str, list[Fact]]
    by_category: dict[str, list[str]]

    def world_of_user(self, user_id: str) -> World:
        """All that the oracle needs to count for this user."""
        facts = self.of_users.get(user_id, [])
        products = {fact.product_id for fact in facts if fact.product_id is not None}
        signed_up = {user_id: self.signed_up.get(user_id)}
        return self._world(facts, signed_up, products)

    def world_of_product(self, product_id: str) -> World:
        """All that the oracle needs to count for this product, prices of its category included."""
        facts = list(self.of_products.get(product_id, []))
        if product_id in self.listed:
            # a listing makes a product known, as an impression does; neither is counted
            at = min(self.listed[product_id], self.as_of)
            facts.append(Fact("impression", "", product_id, at, is_event=True))
        return self._world(facts, {}, self.by_category[self.categories[product_id]])

    def _world(
        self,
        facts: list[Fact],
        signed_up: dict[str, datetime | None],
        products: Iterable[str],
    ) -> World:
        order = "" if self.sells else None
        # nobody's facts, about no product: they are in no count, and they show when the shop began,
        # what time it is, and whether it has orders
        ends = (Fact("purchase", "", None, at, order_id=order) for at in (self.first, self.as_of))
        kept = list(products)
        return World(
            facts=(*ends, *facts),
            signed_up=signed_up,
            categories={product: self.categories[product] for product in kept},
            prices={product: self.prices[product] for product in kept},
        )


def read_facts(
    connection: duckdb.DuckDBPyConnection, users: set[str], products: set[str]
) -> ShopFacts:
    """The facts of these users and products, from an open warehouse."""
    first, as_of = _rows(connection, "select first_activity_at, as_of from marts.dim_shop")[0]
    catalogue = _rows(connection, "select product_id, category, price from marts.dim_products")
    by_category = defaultdict(list)
    for product, category, _ in catalogue:
        by_category[category].append(product)
    return ShopFacts(
        first=first,
        as_of=as_of,
        sells=bool(_rows(connection, "select 1 from marts.fct_transactions limit 1")),
        signed_up=dict(_rows(connection, "select user_id, signed_up_at from marts.dim_users")),
        categories={product: category for product, category, _ in catalogue},
        prices={product: price for product, _, price in catalogue},
        listed=dict(
            _rows(
                connection,
                "select product_id, first_listed_at from intermediate.int_products__accepted "
                "where first_listed_at is not null",
            )
        ),
        of_users=_facts_of(connection, "user_id", users),
        of_products=_facts_of(connection, "product_id", products),
        by_category=by_category,
    )


def _facts_of(
    connection: duckdb.DuckDBPyConnection, column: str, ids: set[str]
) -> dict[str, list[Fact]]:
    """The facts that have one of these ids in this column, by id."""
    rows = connection.execute(
        f"select * from {FACTS} where {identifier(column)} in (select unnest(?))", [sorted(ids)]
    )
    found: dict[str, list[Fact]] = defaultdict(list)
    for kind, user, product, at, order, quantity, price, rating, is_event in rows.fetchall():
        fact = Fact(kind, user, product, at, order, None, quantity, price, rating, is_event)
        found[user if column == "user_id" else product].append(fact)
    return found


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    return connection.execute(sql).fetchall()
