"""Which kinds of dirt each entity has, how each is made, and what must become of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

from demo_shop.dirt import NO_UTF8, Kind, Record
from demo_shop.text import FORMATS, Format

RATE = {"users": 0.0015, "ratings": 0.001, "transactions": 0.001, "events": 0.001, "products": 0}
"""Share of each kind among the records of a file. Products have one of each kind."""

GHOST_USER = "u-gone"
GHOST_PRODUCT = "p-gone"
ODD_USER = "u-1492"
"""Received and quarantined, for the birth year; whose ratings are as good as anyone's."""

HOSTILE = (
    '=HYPERLINK("http://example.com","win")',
    "'); drop table products; --",
    "<script>alert('hi')</script> & <b>bold</b>",
    'The "Best" one,\nso they say; really',
    "@SUM(A1:A9) | +1 -1",
    "{{ 7 * 7 }} ${HOME} %s \\N",
)
"""Texts that try CSV formulas, SQL, markup, quotes, line breaks and templates."""


def _set(column: str, value: str | None) -> Callable[[Record, int], Record]:
    return lambda record, serial: record | {column: value}


def _apart(
    entity: str, column: str | None = None, value: str | None = None
) -> Callable[[Record, int], Record]:
    """A spoiled extra row: `column` takes `value`, and the key becomes one of its own."""

    def spoil(record: Record, serial: int) -> Record:
        own = _OWN_KEY[entity](record, serial)
        return own if column is None else own | {column: value}

    return spoil


def _later_by_micros(column: str) -> Callable[[Record, int], Record]:
    """Ratings have no id; a time that differs by microseconds keeps a spoiled row apart."""

    def own(record: Record, serial: int) -> Record:
        time = str(record[column]).removesuffix("Z")
        return record | {column: f"{time}{1 + serial % 999:03d}Z"}

    return own


_OWN_KEY: dict[str, Callable[[Record, int], Record]] = {
    "users": lambda record, serial: record | {"user_id": f"x{serial:06d}"},
    "products": lambda record, serial: record | {"product_id": f"x{serial:05d}"},
    "ratings": _later_by_micros("rated_at"),
    "transactions": lambda record, serial: record | {"order_id": f"{record['order_id']}-x{serial}"},
    "events": lambda record, serial: record | {"event_id": f"{record['event_id']}-x{serial}"},
}


def _same(record: Record, serial: int) -> Record:
    return record


def _on_days_from(
    first: date, days: int, entity: str, column: str
) -> Callable[[Record, int], Record]:
    """A spoiled extra row at a midnight of `days` days; one each, since a time may be in the key."""

    def spoil(record: Record, serial: int) -> Record:
        day = first + timedelta(days=serial % days)
        return _OWN_KEY[entity](record, serial) | {column: f"{day}T00:00:00.000Z"}

    return spoil


def _future(entity: str, column: str) -> Kind:
    spoil = _on_days_from(date(2099, 1, 1), 36_500, entity, column)
    return Kind("future_time", "quarantined", spoil, reason=f"future_{column}")


def _before_opening(entity: str, column: str) -> Kind:
    # what a clock says that was never set; shops/demo.yml declares when the shop opened
    spoil = _on_days_from(date(1970, 1, 1), 10_000, entity, column)
    return Kind("before_opening", "quarantined", spoil, reason=f"before_opening_{column}")


def _other_stars(record: Record, serial: int) -> Record:
    return record | {"rating": "1" if record["rating"] != "1" else "5"}


def _too_few_fields(record: Record, serial: int) -> str:
    return ",".join(str(value) for value in list(record.values())[:2])


def _too_many_fields(record: Record, serial: int) -> str:
    values = [str(value).replace(",", "").replace('"', "") for value in record.values()]
    return ",".join([*values, "", f"extra {serial}", ""])


def _no_object(record: Record, serial: int) -> str:
    return json.dumps(f"no product at all: {serial}")


def _cut_off(record: Record, serial: int) -> str:
    return '{"event_id":"' + f"{record['event_id']}-x{serial}" + '","event_type":"vi'


def _wrong_encoding(form: Format, column: str) -> Kind:
    """A line with a byte of Latin-1 in it, which is not UTF-8."""

    def spoil(record: Record, serial: int) -> str:
        return form.render(record | {column: f"Jos{NO_UTF8}-{serial}"})

    return Kind("wrong_encoding", "rejected", spoil)


def _odd_brand(record: Record, serial: int) -> Record:
    return record | {"brand": f"{record['brand']}s {serial}"}


def _hostile(column: str) -> Callable[[Record, int], Record]:
    return lambda record, serial: record | {column: HOSTILE[serial % len(HOSTILE)]}


def _hostile_apart(entity: str, column: str, reason: str) -> Kind:
    """An extra row whose reference is hostile text: no list holds such an id."""

    def spoil(record: Record, serial: int) -> Record:
        return _hostile(column)(_OWN_KEY[entity](record, serial), serial)

    return Kind("hostile_text", "quarantined", spoil, reason=reason)


def _hostile_country(record: Record, serial: int) -> Record:
    return record | {"country": f"{HOSTILE[serial % len(HOSTILE)]} {serial}"}


def _broken_lines() -> tuple[Kind, ...]:
    return (
        Kind("too_few_fields", "rejected", _too_few_fields),
        Kind("too_many_fields", "rejected", _too_many_fields),
    )


def _spoiled(entity: str, name: str, column: str, value: str | None, reason: str) -> Kind:
    return Kind(name, "quarantined", _apart(entity, column, value), reason=reason)


KINDS: dict[str, tuple[Kind, ...]] = {
    "users": (
        Kind("exact_duplicate", "deduplicated", _same),
        Kind("duplicate_key", "superseded", _set("country", "XX"), "before"),
        Kind("missing_value", "kept", _set("birth_year", ""), "instead"),
        _spoiled("users", "missing_key", "user_id", "", "missing_user_id"),
        _spoiled("users", "wrong_type", "birth_year", "abcd", "invalid_birth_year"),
        _spoiled("users", "out_of_range", "birth_year", "1492", "out_of_range_birth_year"),
        _spoiled("users", "wrong_type", "signed_up_at", "soon", "invalid_signed_up_at"),
        _future("users", "signed_up_at"),
        _before_opening("users", "signed_up_at"),
        Kind("hostile_text", "flagged", _hostile_country, "instead", "rare_country"),
        Kind(
            "quarantined_user",
            "quarantined",
            lambda record, serial: record | {"user_id": ODD_USER, "birth_year": "1492"},
            reason="out_of_range_birth_year",
        ),
        _wrong_encoding(FORMATS["users"], "country"),
        *_broken_lines(),
    ),
    "products": (
        Kind("exact_duplicate", "deduplicated", _same),
        Kind("duplicate_key", "superseded", _set("title", "An older title"), "before"),
        Kind("missing_value", "kept", _set("brand", None), "instead"),
        Kind("missing_value", "kept", _set("category", None), "instead"),
        *(Kind("hostile_text", "kept", _hostile("title"), "instead") for _ in HOSTILE),
        _spoiled("products", "missing_key", "product_id", None, "missing_product_id"),
        _spoiled("products", "wrong_type", "price", "on request", "invalid_price"),
        _spoiled("products", "out_of_range", "price", "-19.99", "out_of_range_price"),
        _future("products", "updated_at"),
        Kind("outlier", "flagged", _set("price", "99999.99"), "instead", "unusual_price"),
        Kind("rare_value", "flagged", _odd_brand, "instead", "rare_brand"),
        Kind("broken_line", "rejected", _no_object),
    ),
    "ratings": (
        Kind("exact_duplicate", "deduplicated", _same),
        Kind("duplicate_key", "superseded", _other_stars, "before"),
        _spoiled("ratings", "missing_key", "user_id", "", "missing_user_id"),
        _spoiled("ratings", "missing_value", "rating", "", "missing_rating"),
        _spoiled("ratings", "wrong_type", "rating", "five", "invalid_rating"),
        _spoiled("ratings", "out_of_range", "rating", "11", "out_of_range_rating"),
        _spoiled("ratings", "unknown_user", "user_id", GHOST_USER, "unknown_user"),
        _spoiled("ratings", "unknown_product", "product_id", GHOST_PRODUCT, "unknown_product"),
        Kind("quarantined_user", "kept", _apart("ratings", "user_id", ODD_USER)),
        _hostile_apart("ratings", "product_id", "unknown_product"),
        _future("ratings", "rated_at"),
        _before_opening("ratings", "rated_at"),
        _wrong_encoding(FORMATS["ratings"], "user_id"),
        *_broken_lines(),
    ),
    "transactions": (
        Kind("exact_duplicate", "deduplicated", _same),
        Kind("duplicate_key", "superseded", _set("quantity", "7"), "before"),
        Kind("hostile_text", "kept", _hostile("note"), "instead"),
        _spoiled("transactions", "missing_key", "order_id", "", "missing_order_id"),
        _spoiled("transactions", "wrong_type", "quantity", "two", "invalid_quantity"),
        _spoiled("transactions", "out_of_range", "quantity", "0", "out_of_range_quantity"),
        _spoiled("transactions", "out_of_range", "unit_price", "-5.00", "out_of_range_unit_price"),
        _spoiled("transactions", "unknown_user", "user_id", GHOST_USER, "unknown_user"),
        _spoiled("transactions", "unknown_product", "product_id", GHOST_PRODUCT, "unknown_product"),
        Kind("outlier", "flagged", _set("quantity", "480"), "instead", "unusual_quantity"),
        Kind("missing_value", "kept", _set("quantity", ""), "instead"),
        _hostile_apart("transactions", "user_id", "unknown_user"),
        _future("transactions", "ordered_at"),
        _before_opening("transactions", "ordered_at"),
        _wrong_encoding(FORMATS["transactions"], "note"),
        *_broken_lines(),
    ),
    "events": (
        Kind("exact_duplicate", "deduplicated", _same),
        Kind("duplicate_key", "superseded", _set("session_id", "s-older"), "before"),
        Kind("missing_value", "kept", _set("session_id", None), "instead"),
        _spoiled("events", "missing_key", "event_id", None, "missing_event_id"),
        _spoiled("events", "wrong_type", "occurred_at", "yesterday", "invalid_occurred_at"),
        _spoiled("events", "unknown_type", "event_type", "hover", "unknown_event_type"),
        _spoiled("events", "unknown_user", "user_id", GHOST_USER, "unknown_user"),
        _spoiled("events", "unknown_product", "product_id", GHOST_PRODUCT, "unknown_product"),
        Kind("hostile_text", "kept", _hostile("session_id"), "instead"),
        _spoiled("events", "missing_value", "event_type", None, "missing_event_type"),
        _future("events", "occurred_at"),
        _before_opening("events", "occurred_at"),
        _wrong_encoding(FORMATS["events"], "session_id"),
        Kind("cut_off_line", "rejected", _cut_off),
    ),
}
