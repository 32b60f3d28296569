"""The canonical entities of a shop. Each of their columns is declared here, and only here.

To add a column, add one EntityColumn. Ingestion lands it, the shop file may map it and give it
rules, dbt stages, tests and accepts it, `recomart shop init` guesses it by its words, and it
arrives in the entity's table of accepted records (users and products: `marts.dim_<entity>`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from recomart.events import EVENT_TYPES, MAX_AHEAD

DataType = Literal["text", "number", "integer", "time", "boolean"]


@dataclass(frozen=True)
class TimeLimits:
    """What a time is compared with, besides its load: no time is later than that."""

    in_opening: bool = True
    """Not before the shop opened, and not after it closed."""
    by_clock: bool = False
    """Not later than the shop's declared clock: the time at which a fact happened."""
    ahead: int = 0
    """Seconds that it may be later than its record was received, to allow for clock skew."""


@dataclass(frozen=True)
class EntityColumn:
    """A column of an entity, and all that other parts need to know of it.

    Args:
        name: as the shop file, the raw table and dbt call it.
        type: what its text is read as.
        noun: with its article, as the sentences of rules say it: "a year of birth".
        description: what it is, with its unit, for people.
        words: names that sources give it, in several languages, for `recomart shop init`.
        concepts: concepts of `onboarding/names.py` that its name may hold; the first of them gets
            the words. Without any, the column's own name is the concept.
        required: whether a source must map it, and each record must have it.
        references: the entity whose list the id must be on.
        rules: default rules, as a shop file would write them.
        limits: of a time.
        on_rating_scale: whether the shop's rating_scale is its default range.
        may_be_invalid: whether a value that is not of the type counts as missing.
        identifies: whether the values of two records differ if this one differs; False leaves it
            out of the comparison of records.
        blank_is_null: whether staging makes blank text null.
        few_values: whether it has so few values that their shares are worth showing.
        when_missing: what a missing value means downstream, for the sentence of the rule.
    """

    name: str
    type: DataType
    noun: str
    description: str
    words: str = ""
    concepts: tuple[str, ...] = ()
    required: bool = False
    references: str | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    limits: TimeLimits | None = None
    on_rating_scale: bool = False
    may_be_invalid: bool = False
    identifies: bool = True
    blank_is_null: bool = False
    few_values: bool = False
    when_missing: str | None = None


@dataclass(frozen=True)
class Entity:
    """An entity, its columns in order, and the columns that identify a record.

    Args:
        record: one record, as the sentences of rules begin: "An order line".
        key_words: the key in words.
        list_words: what people call its list of ids, where facts refer to it.
    """

    name: str
    record: str
    key: tuple[str, ...]
    key_words: str
    columns: tuple[EntityColumn, ...]
    list_words: str | None = None

    @cached_property
    def by_name(self) -> dict[str, EntityColumn]:
        return {column.name: column for column in self.columns}


_MONEY = {"range": [0, 100_000_000]}
_FACT = TimeLimits(by_clock=True)


def _user(references: str | None = "users") -> EntityColumn:
    return EntityColumn(
        "user_id", "text", "a user" if references else "a user id",
        "The user, as the shop names them.",
        concepts=("user",), required=True, references=references,
    )  # fmt: skip


def _product(**more: Any) -> EntityColumn:
    return EntityColumn(
        "product_id", "text", more.pop("noun", "a product"),
        "The product, as the shop names it.", concepts=("product",), **more,
    )  # fmt: skip


_USERS = (
    _user(references=None),
    EntityColumn(
        "signed_up_at", "time", "a time of sign-up", "When the user signed up, UTC.",
        concepts=("signup",), limits=TimeLimits(),
        words="signup registered joined registration registriert anmeldedatum anmeldung since "
        "signed register inscription alta seit enrolled",
    ),
    EntityColumn(
        "country", "text", "a country", "Country, as received.", few_values=True,
        words="country land pays pais paese nation countrycode",
    ),
    EntityColumn(
        "birth_year", "integer", "a year of birth", "Year of birth, 1900 to the year of the load.",
        rules={"range": [1900, "year_of_load"]}, concepts=("birth",),
        words="birth birthyear yob geburtsjahr naissance nacimiento",
    ),
)  # fmt: skip

_PRODUCTS = (
    _product(noun="a product id", required=True),
    EntityColumn(
        "title", "text", "a title", "Title, as received.",
        words="title name productname bezeichnung titel titre nombre titolo label titulo nom",
    ),
    EntityColumn(
        "category", "text", "a category", "Category, as received.", few_values=True,
        rules={"missing": {"fill": "unknown"}},
        words="category cat kategorie genre department warengruppe categorie categoria "
        "producttype group class gruppe rubrik categoryid",
    ),
    EntityColumn(
        "brand", "text", "a brand", "Brand, as received.", few_values=True,
        words="brand manufacturer vendor marke hersteller marque marca maker",
    ),
    EntityColumn(
        "price", "number", "a price", "Price in `currency`, 0 to 100 million, to four decimals.",
        rules=_MONEY,
    ),
    EntityColumn(
        "currency", "text", "a currency", "ISO code of the price, as received.", few_values=True,
        words="currency waehrung devise moneda valuta",
    ),
    EntityColumn(
        "in_stock", "boolean", "a mark of being in stock", "Whether the product can be bought.",
        few_values=True, concepts=("stock",),
        words="stock instock available availability lager verfuegbar inventory lagernd stok "
        "disponible dispo",
    ),
    EntityColumn(
        "updated_at", "time", "a time of the last change",
        "When the catalogue last changed the product, UTC.", concepts=("updated",),
        rules={"range": ["1900-01-01", None]}, limits=TimeLimits(in_opening=False),
        words="updated modified changed geaendert aktualisiert update modification lastmodified",
    ),
)  # fmt: skip

_RATINGS = (
    _user(),
    _product(required=True, references="products"),
    EntityColumn(
        "rating", "number", "a value", "The rating, on the shop's scale, to four decimals.",
        required=True, on_rating_scale=True,
        words="rating stars star score rate vote grade bewertung sterne note puntuacion "
        "calificacion valutazione voto punkte points overall estrellas etoiles cijfer",
    ),
    EntityColumn(
        "rated_at", "time", "a time", "When the rating was given, UTC.",
        concepts=("time",), required=True, limits=_FACT,
    ),
)  # fmt: skip

_TRANSACTIONS = (
    EntityColumn(
        "order_id", "text", "an order id", "The order, as the shop names it.",
        concepts=("order",), required=True,
    ),
    EntityColumn(
        "line_no", "text", "a line number", "The line within the order, as received.",
        concepts=("line",), required=True,
        words="line lineno position pos zeile row seq linenumber linea ligne",
    ),
    _user(),
    _product(required=True, references="products"),
    EntityColumn(
        "quantity", "number", "a quantity", "How many were bought, above 0 up to 100,000.",
        rules={"range": {"above": 0, "at_most": 100_000}, "missing": {"fill": 1}},
        words="quantity qty count units menge anzahl quantite cantidad stueck stk pieces "
        "quantita aantal",
    ),
    EntityColumn(
        "unit_price", "number", "a price of one",
        "Price of one, 0 to 100 million, in the shop's currency.",
        concepts=("price",), rules=_MONEY,
        when_missing="spending then counts the line's total, or the price of the catalogue",
    ),
    EntityColumn(
        "line_total", "number", "a total of the line",
        "Price of the whole line, 0 to 100 million, in the shop's currency.",
        concepts=("total",), rules=_MONEY,
        when_missing="spending then counts quantity times the price of one",
        words="total sum sales amount value summe gesamt gesamtpreis betrag umsatz montant importe "
        "linetotal subtotal revenue",
    ),
    EntityColumn(
        "ordered_at", "time", "a time", "When the order was placed, UTC.",
        concepts=("time",), required=True, limits=_FACT,
    ),
)  # fmt: skip

_EVENTS = (
    EntityColumn(
        "event_id", "text", "an event id",
        "The event, as its source names it, or the hash of its key columns.",
        concepts=("event",), required=True,
    ),
    EntityColumn(
        "event_type", "text", "a type", f"One of {', '.join(EVENT_TYPES)}.",
        concepts=("event", "type"), required=True, few_values=True,
        rules={"one_of": EVENT_TYPES},
    ),
    _user(),
    EntityColumn(
        "session_id", "text", "a visit", "The visit, as received.", concepts=("session",),
        words="session visit sitzung sessionid sesion",
    ),
    _product(
        references="products", blank_is_null=True,
        when_missing="such an event is of the shop, not of a product",
    ),
    EntityColumn(
        "occurred_at", "time", "a time", "When it happened, UTC.", concepts=("time",),
        required=True, limits=TimeLimits(by_clock=True, ahead=round(MAX_AHEAD.total_seconds())),
    ),
    EntityColumn(
        "received_at", "time", "a time of receipt", "When it reached the shop, UTC.",
        may_be_invalid=True, identifies=False, concepts=("received",),
        when_missing="one that cannot be read counts as missing",
        words="received empfangen ingested logged arrived",
    ),
)  # fmt: skip

SCHEMA: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        Entity("users", "A user", ("user_id",), "user id", _USERS, "the list of users"),
        Entity("products", "A product", ("product_id",), "product id", _PRODUCTS, "the catalogue"),
        Entity("ratings", "A rating", ("user_id", "product_id", "rated_at"),
               "user, product and time", _RATINGS),
        Entity("transactions", "An order line", ("order_id", "line_no"),
               "order and line number", _TRANSACTIONS),
        Entity("events", "An event", ("event_id",), "event id", _EVENTS),
    )
}  # fmt: skip
"""The entities by name, in the order in which they are loaded and reported."""

ENTITIES: dict[str, tuple[str, ...]] = {name: tuple(e.by_name) for name, e in SCHEMA.items()}
"""Canonical columns of each raw table, in order."""

TYPES: dict[str, dict[str, DataType]] = {
    name: {column.name: column.type for column in e.columns} for name, e in SCHEMA.items()
}
"""What the values of each column are read as; columns in order."""

KEYS: dict[str, tuple[str, ...]] = {name: e.key for name, e in SCHEMA.items()}
"""The columns that identify a record of each entity."""

REQUIRED: dict[str, tuple[str, ...]] = {
    name: tuple(c.name for c in e.columns if c.required) for name, e in SCHEMA.items()
}
"""The columns that a source of each entity must map, and each record must have."""

LISTS: dict[str, str] = {
    c.name: c.references for e in SCHEMA.values() for c in e.columns if c.references
}
"""Column of a fact -> the entity whose list it names."""

ADDING_UP = ("transactions", "events")
"""The entities of which two equal records may be two facts. Nobody rates a product twice at once."""
