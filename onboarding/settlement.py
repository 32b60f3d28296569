"""What a guess still needs once its columns are chosen: keys, totals, types of events, a time format."""

from __future__ import annotations

from dataclasses import replace

from onboarding import left_out, order_lines
from onboarding.guess import Choice, Guess
from onboarding.names import is_status
from onboarding.times import percent
from onboarding.values import event_type_of
from recomart.shop.entities import REQUIRED

OFTEN_ONCE = 0.99
"""Below this share of lines that no other repeats, repeats are purchases and not dirt."""
OFTEN_EMPTY = 0.05
"""From this share of empty values on, a required column is doubtful."""
_TIMES = ("rated_at", "ordered_at", "occurred_at", "signed_up_at", "updated_at", "received_at")


def settle(guess: Guess) -> None:
    """Make what the chosen columns leave open, from the sampled records."""
    _settle_times(guess)
    _settle_event_types(guess)
    _derive(guess)
    if guess.entity == "transactions":
        _settle_totals(guess)
        _settle_lines(guess)
    _settle_currency(guess)
    _settle_empty(guess)


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
