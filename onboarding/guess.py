"""Which table of a folder is which entity, and which of its columns is which canonical column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from onboarding import left_out, order_lines
from onboarding.fits import FITS, Evidence, Fit, Keys, fit
from onboarding.joins import Join, joined, joins_of, translation_of
from onboarding.left_out import Left
from onboarding.names import concepts_of, file_likeness, is_status
from onboarding.order_lines import Cancelling, one_each
from onboarding.tables import Table
from onboarding.times import percent
from onboarding.values import event_type_of
from recomart.shop.entities import ENTITIES, REQUIRED

HAS_FILE_NAME = 0.35
OFTEN_ONCE = 0.99
"""Below this share of lines that no other repeats, repeats are purchases and not dirt."""
OFTEN_EMPTY = 0.05
"""From this share of empty values on, a required column is doubtful."""
MOST_AGREE = 0.8
"""A text is one of a product if at least this share of the products have one text only."""
DERIVED = {"event_id", "order_id", "line_no"}
"""Required columns that can be made from others."""
_TIMES = ("rated_at", "ordered_at", "occurred_at", "signed_up_at", "updated_at", "received_at")


@dataclass(frozen=True)
class Choice:
    """One line of a mapping: our column, its value in the YAML, and why."""

    ours: str
    column: str | None
    """The source's column; None where the line is made from several, or from none."""
    yaml: object
    """A name, or a mapping such as {hash_of: [a, b]}."""
    reason: str
    doubt: str | None = None


@dataclass
class Guess:
    """A table that seems to hold an entity."""

    entity: str
    table: Table
    score: float
    choices: dict[str, Choice]
    missing: dict[str, str] = field(default_factory=dict)
    """Our column that must be there -> what is known about it."""
    time_format: str | None = None
    time_doubt: str | None = None
    join: Join | None = None
    """The table that the records are joined with."""
    made_from: str | None = None
    """The entity whose table also holds this list."""
    cancelling: Cancelling | None = None
    """The lines that take a purchase back."""
    fill_down: tuple[str, ...] = ()
    """The columns that only the first line of an order has."""
    where: tuple[Left, ...] = ()
    """The records that the shop leaves out."""
    unfit: dict[str, str] = field(default_factory=dict)
    """A column of the source -> why it is not what its name says."""

    def column_of(self, ours: str) -> str | None:
        """The source's column that a canonical one is read from."""
        choice = self.choices.get(ours)
        return choice.column if choice else None


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
            choices[ours] = Choice(ours, best.name, _changed(best), reason)
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


def guess_of(table: Table, entity: str, evidence: Evidence) -> Guess | None:
    """The table as one of an entity; None when too much speaks against it."""
    if table.layout.each is not None and entity in ("users", "products"):
        return None
    fits = assigned(table, entity, evidence)
    wanted = [ours for ours in REQUIRED[entity] if ours not in DERIVED]
    found = {ours: fits[ours] for ours in wanted if ours in fits}
    absent = [ours for ours in wanted if ours not in fits]
    named = file_likeness(table.words, entity)
    score = sum(f.score for f in found.values()) / len(wanted) + HAS_FILE_NAME * named
    score += 0.04 * (len(fits) - len(found))
    if entity in ("users", "products"):
        if not named and any(file_likeness(table.words, other) == 1 for other in ENTITIES):
            return None
        if absent or _refers_elsewhere(table, entity, fits) or (not named and len(fits) < 2):
            return None
    elif not _is_log(entity, fits, absent, named):
        return None
    choices = {
        ours: Choice(ours, f.name, _changed(f), f.reason, f.doubt)
        for ours in ENTITIES[entity]
        if (f := fits.get(ours))
    }
    guess = Guess(entity, table, score, choices)
    if table.layout.totals:
        guess.where = (table.layout.totals,)
    _settle_times(guess)
    _settle_event_types(guess)
    _derive(guess)
    if entity == "transactions":
        _settle_totals(guess)
        _settle_lines(guess)
    _settle_currency(guess)
    _settle_empty(guess)
    guess.missing |= {
        ours: _what_is_there(guess, ours) for ours in absent if ours not in guess.choices
    }
    order = ENTITIES[entity]
    guess.choices = dict(sorted(guess.choices.items(), key=lambda item: order.index(item[0])))
    return guess


def _changed(found: Fit) -> object:
    """A column, with the change of its values if they need one."""
    return {"column": found.name, **found.change} if found.change else found.name


def assigned(table: Table, entity: str, evidence: Evidence) -> dict[str, Fit]:
    """Our columns with the source's, the best fits first, each of either once."""
    found = [
        (ours, f)
        for ours in ENTITIES[entity]
        for column in table.columns.values()
        if (f := fit(table, column, ours, entity, evidence)) and f.score >= FITS
    ]
    required = REQUIRED[entity]
    places = list(table.columns)
    found.sort(
        key=lambda pair: (-pair[1].score, pair[0] not in required, places.index(pair[1].name))
    )
    taken: dict[str, Fit] = {}
    for ours, f in found:
        if ours not in taken and all(other.name != f.name for other in taken.values()):
            taken[ours] = f
    return taken


def _refers_elsewhere(table: Table, entity: str, fits: dict[str, Fit]) -> bool:
    """Whether a would-be list names the other kind: then its rows are deeds, and no things."""
    other = "product" if entity == "users" else "user"
    return table.layout.header and any(
        concepts_of(name)[:1] == (other,) and "id" in (*concepts_of(name), "id")
        for name in table.columns
        if all(f.name != name for f in fits.values())
    )


def _is_log(entity: str, fits: dict[str, Fit], absent: list[str], named: float) -> bool:
    if "user_id" in absent or ("product_id" not in fits and entity != "events"):
        return False
    if entity == "ratings":
        return "rating" in fits
    if entity == "transactions":
        bought = {"order_id", "quantity", "unit_price"} & set(fits)
        return "ordered_at" in fits and (bool(bought) or named > 0.5)
    of_one_kind = "product_id" in fits and named > 0
    return "occurred_at" in fits and ("event_type" in fits or of_one_kind)


def _settle_times(guess: Guess) -> None:
    """A source has one time format: that of its main time; other columns must share it."""
    timed = [guess.choices[ours] for ours in _TIMES if ours in guess.choices]
    for choice in timed:
        column = guess.table.columns[choice.column or ""]
        found = column.time or (column.mixed_time and column.mixed_time.main)
        assert found, "only what parses as a time was taken for one"
        if guess.time_format is None:
            guess.time_format, guess.time_doubt = found.format, choice.doubt
        elif found.format != guess.time_format:
            del guess.choices[choice.ours]


def _settle_lines(guess: Guess) -> None:
    """What order lines need in addition: values of their order, and which of them count."""
    table, order = guess.table, guess.column_of("order_id")
    taken = [c.column for c in guess.choices.values() if c.column]
    filled: tuple[str, ...] = ()
    if order and table.layout.each is None:
        states = [name for name in table.columns if is_status(name)]
        names = dict.fromkeys([*taken, *states])
        gaps = [n for n in names if n != order and table.columns[n].filled < len(table.records)]
        filled = order_lines.on_first_lines(table, order, gaps)
    cancelled = left_out.by_status(table.columns, taken, filled)
    if cancelled:
        guess.where += (cancelled,)
    used = [*taken, *([cancelled.column] if cancelled else [])]
    guess.fill_down = tuple(name for name in filled if name in used)
    guess.cancelling = order_lines.cancelling(
        table, guess.column_of("quantity"), order, guess.column_of("user_id")
    )


def _settle_currency(guess: Guess) -> None:
    """The currency of prices that name it, if no column does."""
    price = guess.choices.get("price")
    signed = price is not None and isinstance(price.yaml, dict) and "number" in price.yaml
    if price and signed and "currency" not in guess.choices:
        guess.choices["currency"] = Choice(
            "currency", price.column, {"sign_of": price.column}, "the sign of the price"
        )


def _settle_empty(guess: Guess) -> None:
    """Say of a required column how often it is empty, if that is often."""
    for ours in REQUIRED[guess.entity]:
        choice = guess.choices.get(ours)
        if choice is None or choice.column is None:
            continue
        column = guess.table.columns[choice.column]
        empty = len(column.values) - column.filled
        if choice.column in guess.fill_down:
            continue
        if empty > OFTEN_EMPTY * len(column.values):
            share = f"{empty:,} of {len(column.values):,} records"
            doubt = f"it is empty in {share}, which go to quarantine"
            doubts = [one for one in (choice.doubt, doubt) if one]
            guess.choices[ours] = replace(choice, doubt="; ".join(doubts))


def _settle_totals(guess: Guess) -> None:
    """Keep a total of the line only where the sample does not show that it is another total."""
    total, price = guess.column_of("line_total"), guess.column_of("unit_price")
    if total is None:
        return
    order = _read(guess.choices["order_id"].yaml) if "order_id" in guess.choices else []
    found = order_lines.total_of(
        guess.table, total, price, guess.column_of("quantity"), order
    )  # fmt: skip
    if found is None:
        doubt = None if price else guess.choices["line_total"].doubt
        guess.choices["line_total"] = replace(guess.choices["line_total"], doubt=doubt)
    elif found.of_line:
        changed = replace(guess.choices["line_total"], reason=found.reason, doubt=found.doubt)
        guess.choices["line_total"] = changed
    else:
        del guess.choices["line_total"]
        guess.unfit[total] = found.reason


def _settle_event_types(guess: Guess) -> None:
    if guess.entity != "events":
        return
    choice = guess.choices.get("event_type")
    if choice is None:
        guess.choices["event_type"] = Choice(
            "event_type", None, {"value": "view"},
            "no column says what happened, so every row counts as one kind",
            "what is a row: a view, a click, a purchase?",
        )  # fmt: skip
        return
    values = sorted(guess.table.columns[choice.column or ""].distinct)
    ours = {value: event_type_of(value) or value for value in values}
    changed = {value: word for value, word in ours.items() if value != word or _is_strange(value)}
    if changed:
        yaml = {"column": choice.column, "values": changed}
        guess.choices["event_type"] = Choice(
            "event_type", choice.column, yaml, choice.reason, choice.doubt
        )


def _is_strange(value: str) -> bool:
    return event_type_of(value) is None


def _derive(guess: Guess) -> None:
    """Make the keys that the table lacks from what it has."""
    names = [c.column for c in guess.choices.values() if c.column]
    if guess.entity == "events" and "event_id" not in guess.choices:
        guess.choices["event_id"] = Choice(
            "event_id", None, {"hash_of": names}, "no column of its own: made from these, so that "
            "the same row again is known as the same",
        )  # fmt: skip
    if guess.entity != "transactions":
        return
    user, time, product = (guess.choices.get(k) for k in ("user_id", "ordered_at", "product_id"))
    if "order_id" not in guess.choices and user and time:
        guess.choices["order_id"] = Choice(
            "order_id", None, {"hash_of": [user.column, time.column]},
            "no column of its own: what one user bought at one time",
        )  # fmt: skip
    if product and "order_id" in guess.choices:
        _number_lines(guess, product.column or "")


def _number_lines(guess: Guess, product: str) -> None:
    """What distinguishes the lines of an order: a number of its own, else the product."""
    order = _read(guess.choices["order_id"].yaml)
    named = guess.column_of("line_no")
    taken = [c.column for c in guess.choices.values() if c.column and c.column != named]
    key = order_lines.line_key(guess.table, order, product, named, taken)
    if key.is_product and key.once < OFTEN_ONCE:
        share = percent(1 - key.once)
        guess.choices["line_no"] = Choice(
            "line_no", None, {"number_within": order},
            f"{share} of the lines repeat the order and product of another: each counts as a "
            "purchase of its own, by its place among the lines of its order",
        )  # fmt: skip
        return
    share = f"{percent(key.once)} of the pairs of order and"
    sure = key.once >= order_lines.ALWAYS
    doubt = None if sure else "rows that agree in both count as one: name another column"
    reason = f"{share} number come once"
    if key.is_product:
        reason = f"no column of its own; the product serves: {share} product come once"
    if named and key.column != named:
        guess.unfit[named] = "it is the same for several lines of an order"
    guess.choices["line_no"] = Choice("line_no", key.column, key.column, reason, doubt)


def _read(yaml: object) -> list[str]:
    if isinstance(yaml, dict):
        return [str(name) for name in yaml.get("hash_of") or yaml.get("number_within") or []]
    return [str(yaml)] if yaml else []


def _what_is_there(guess: Guess, ours: str) -> str:
    if ours.endswith("_at"):
        return f"no column of {guess.table.shown} holds times"
    return f"no column of {guess.table.shown} looks like it"
