"""The guesses at the tables of a folder, and how they go together: lists, lists in lists, joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onboarding.candidates import changed, guess_of
from onboarding.fits import FITS, Evidence, Keys, fit
from onboarding.guess import Choice, Guess
from onboarding.joins import joined, joins_of, translation_of
from onboarding.order_lines import one_each
from onboarding.tables import Table
from onboarding.times import percent
from recomart.shop.entities import ENTITIES

MOST_AGREE = 0.8
"""A text is one of a product if at least this share of the products have one text only."""


def guesses_of(tables: Sequence[Table]) -> list[Guess]:
    """The likeliest entity of each table, each entity once, in the order of ENTITIES.

    Two rounds: lists of users and products show by their keys which columns of the others refer
    to them.
    """
    lists = _best([g for t in tables for e in ENTITIES if (g := guess_of(t, e, Evidence()))])
    keys = {
        g.entity: _keys(g) for g in lists if g.entity in ("users", "products") and not g.missing
    }
    evidence = Evidence(keys)
    own = {id(g.table) for g in lists if g.entity in keys}
    others = [
        g
        for t in tables
        if id(t) not in own
        for e in ("ratings", "transactions", "events")
        if (g := guess_of(t, e, evidence))
    ]
    found = _best([g for g in lists if g.entity in keys] + others)
    if products := _made_products(found):
        found.append(products)
    _nest(found)
    return sorted(found, key=lambda g: list(ENTITIES).index(g.entity))


def _nest(found: Sequence[Guess]) -> None:
    """Name the entity whose bytes hold the lists that others are read from."""
    for guess in found:
        if guess.table.layout.each is None or guess.made_from:
            continue
        around = [g for g in found if g.table.is_around(guess.table)]
        others = [
            g for g in found[: found.index(guess)]
            if not g.made_from and g.table.files == guess.table.files
        ]  # fmt: skip
        for origin in [*around, *others][:1]:
            guess.made_from = origin.entity


def translate(tables: Sequence[Table], found: Sequence[Guess]) -> None:
    """Take categories from a table that has a name for each, and keep those without one."""
    for guess in found:
        category = guess.choices.get("category")
        if category is None or category.column is None or guess.made_from or guess.join:
            continue
        if category.yaml != category.column:
            continue
        own = {id(g.table) for g in found}
        free = [table for table in tables if id(table) not in own]
        join = translation_of(guess.table, category.column, free)
        if join is None:
            continue
        (name,) = [name for name in join.other.layout.names if name != join.other_key]
        guess.join, guess.table = join, joined(join)
        guess.choices["category"] = Choice(
            "category", None, {"first_of": [name, category.column]},
            f"{percent(join.found)} of them have a name in {join.other.shown}",
        )  # fmt: skip


def joined_lines(tables: Sequence[Table], found: Sequence[Guess]) -> list[Guess]:
    """The order lines of a table that lacks who ordered or when, with the table that has it; none
    if a table has all of them.

    Args:
        found: the guesses at single tables.
    """
    if any(g.entity == "transactions" and not g.missing for g in found):
        return []
    own = {id(g.table) for g in found}
    lists = [g for g in found if g.entity in ("users", "products")]
    evidence = Evidence({g.entity: _keys(g) for g in lists if not g.made_from})
    free = [table for table in tables if id(table) not in own]
    guesses = []
    for table in free:
        for join in joins_of(table, free):
            guess = guess_of(joined(join), "transactions", evidence)
            if guess and not guess.missing:
                guess.join = join
                guesses.append(guess)
    return _best(guesses)[:1]


def _made_products(found: Sequence[Guess]) -> Guess | None:
    """The list of products that a table of facts holds in addition, if the shop has no other.

    Only if no second table of facts could name products that this list would lack.
    """
    facts = [
        g for g in found if g.entity not in ("users", "products") and "product_id" in g.choices
    ]
    if len(facts) != 1 or any(g.entity == "products" for g in found):
        return None
    (origin,) = facts
    product = origin.choices["product_id"]
    used = {c.column for c in origin.choices.values()}
    free = [column for column in origin.table.columns.values() if column.name not in used]
    choices = {
        "product_id": replace(product, reason="each product that the records name", doubt=None)
    }
    for ours in ("title", "category", "brand"):
        fits = [f for c in free if (f := fit(origin.table, c, ours, "products", Evidence()))]
        best = max(fits, key=lambda f: f.score, default=None)
        if best is None or best.score < FITS or not product.column:
            continue
        share = one_each(origin.table.records, product.column, best.name)
        if share >= MOST_AGREE:
            reason = f"{percent(share)} of the products have one: {best.reason}"
            choices[ours] = Choice(ours, best.name, changed(best), reason)
            free = [column for column in free if column.name != best.name]
    if len(choices) == 1:
        return None
    return Guess("products", origin.table, 0.0, choices, made_from=origin.entity)


def _keys(guess: Guess) -> Keys:
    choice = next(iter(guess.choices.values()))
    assert choice.column is not None, "the first choice of a list is its key"
    values = guess.table.columns[choice.column].distinct
    return Keys(f"{guess.table.shown}, {choice.column}", values)


def _best(guesses: list[Guess]) -> list[Guess]:
    """Each table once and each entity once, the likeliest first."""
    taken: list[Guess] = []
    for guess in sorted(guesses, key=lambda g: -g.score):
        if all(g.table is not guess.table and g.entity != guess.entity for g in taken):
            taken.append(guess)
    return taken
