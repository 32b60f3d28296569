"""Each rule as one sentence that the shop's manager understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recomart.rules.defaults import Bounds
    from recomart.rules.rule import Rule

RECORD = {
    "users": "A user",
    "products": "A product",
    "ratings": "A rating",
    "transactions": "An order line",
    "events": "An event",
}
LIST = {"users": "the list of users", "products": "the catalogue"}
THING = {
    ("users", "user_id"): "a user id",
    ("users", "signed_up_at"): "a time of sign-up",
    ("users", "country"): "a country",
    ("users", "birth_year"): "a year of birth",
    ("products", "product_id"): "a product id",
    ("products", "title"): "a title",
    ("products", "category"): "a category",
    ("products", "brand"): "a brand",
    ("products", "price"): "a price",
    ("products", "currency"): "a currency",
    ("products", "in_stock"): "a mark of being in stock",
    ("products", "updated_at"): "a time of the last change",
    ("ratings", "user_id"): "a user",
    ("ratings", "product_id"): "a product",
    ("ratings", "rating"): "a value",
    ("ratings", "rated_at"): "a time",
    ("transactions", "order_id"): "an order id",
    ("transactions", "line_no"): "a line number",
    ("transactions", "user_id"): "a user",
    ("transactions", "product_id"): "a product",
    ("transactions", "quantity"): "a quantity",
    ("transactions", "unit_price"): "a price of one",
    ("transactions", "line_total"): "a total of the line",
    ("transactions", "ordered_at"): "a time",
    ("events", "event_id"): "an event id",
    ("events", "event_type"): "a type",
    ("events", "user_id"): "a user",
    ("events", "session_id"): "a visit",
    ("events", "product_id"): "a product",
    ("events", "occurred_at"): "a time",
    ("events", "received_at"): "a time of receipt",
}
TYPE = {
    "number": "a number",
    "integer": "a whole number",
    "time": "a time that can be read",
    "boolean": "true or false",
}
KEY = {
    "users": "user id",
    "products": "product id",
    "ratings": "user, product and time",
    "transactions": "order and line number",
    "events": "event id",
}
MISSING = {
    ("transactions", "unit_price"): "spending then counts the line's total, or the price of the "
    "catalogue",
    ("transactions", "line_total"): "spending then counts quantity times the price of one",
    ("events", "product_id"): "such an event is of the shop, not of a product",
    ("events", "received_at"): "one that cannot be read counts as missing",
}
"""What a missing value that is kept means for what comes after."""


def words_of(rule: Rule) -> str:
    """One sentence; values of the shop file stand in it as they are."""
    if rule.column is None:
        return _of_repeated(rule)
    record = RECORD[rule.entity]
    thing = THING[rule.entity, rule.column]
    whose = f"{record}'s {thing.split(' ', 1)[1]}"
    if rule.kind == "required":
        return f"{record} has {thing}."
    if rule.kind == "type":
        return f"{whose} is {TYPE[rule.data_type or 'number']}."
    if rule.kind == "range" and rule.bounds:
        return f"{whose} {_lies(rule.bounds)}."
    if rule.kind == "one_of":
        return f"{whose} is one of {', '.join(rule.values)}."
    if rule.kind == "reference" and rule.names:
        sentence = f"{whose} is in {LIST[rule.names]}"
        return f"{sentence}, or is kept all the same." if rule.outcome == "kept" else f"{sentence}."
    if rule.kind == "time":
        return f"{whose} {_in_time(rule)}."
    if rule.kind == "missing":
        return _of_missing(rule, whose)
    return f"{whose} {_unusual(rule)} is flagged and kept."


def _of_repeated(rule: Rule) -> str:
    if rule.outcome == "deduplicated":
        return f"{RECORD[rule.entity]} that was received again, all the same, counts once."
    return f"Of several records with the same {KEY[rule.entity]}, the one that arrived last counts."


def _lies(bounds: Bounds) -> str:
    low, high = _bound(bounds.low), _bound(bounds.high)
    if low and high and not bounds.low_open and not bounds.high_open:
        return f"lies between {low} and {high}"
    ends = []
    if low:
        ends.append(f"{'above' if bounds.low_open else 'at least'} {low}")
    if high:
        ends.append(f"{'below' if bounds.high_open else 'at most'} {high}")
    return f"is {' and '.join(ends)}"


def _bound(text: str | None) -> str | None:
    if text == "year_of_load":
        return "the year of the load"
    if text and text.isdigit() and len(text) > 4:
        return f"{int(text):,}"
    return text.removesuffix(" 00:00:00") if text else None


def _in_time(rule: Rule) -> str:
    if rule.bounds is None:
        clock = ", nor than the shop's clock" if rule.entity not in ("users", "products") else ""
        if rule.tolerance:
            ahead = f"at most {rule.tolerance // 60} minutes"
            return f"is {ahead} later than it was received (than its load, at the latest){clock}"
        return f"is not later than its load{clock}"
    if rule.bounds.low:
        return f"is not before the shop opened ({_bound(rule.bounds.low)})"
    return f"is not after the shop closed ({_bound(rule.bounds.high)})"


def _of_missing(rule: Rule, whose: str) -> str:
    if rule.outcome == "filled":
        return f"{whose} that is missing becomes {rule.fill}."
    then = MISSING.get((rule.entity, rule.column or ""))
    return f"{whose} may be missing and stays empty{f': {then}' if then else ''}."


def _unusual(rule: Rule) -> str:
    if rule.kind == "rare":
        return f"that fewer than {rule.rare_below} records have"
    if rule.iqr is not None:
        return f"that lies more than {rule.iqr:g} interquartile ranges beyond the middle half"
    return f"that is not usual ({_usual(rule.bounds)})" if rule.bounds else "that is not usual"


def _usual(bounds: Bounds) -> str:
    return _lies(bounds).removeprefix("lies ").removeprefix("is ")
