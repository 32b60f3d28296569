"""What the name of a column or a file says: words of several languages, in any style."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from recomart.shop.entities import SCHEMA

_SHARED: dict[str, str] = {
    "user": "user customer cust client member visitor account buyer shopper person household uid "
    "kunde kunden nutzer benutzer klant gebruiker utilisateur cliente usuario utente reviewer "
    "viewer subscriber patron reader mitglied acheteur comprador kdnr",
    "product": "product prod item iid sku article artikel asin movie film book isbn track song "
    "produkt produit producto prodotto ware ean gtin upc listing variant game recipe pid mid "
    "articulo articolo stockcode productcode itemcode artnr artikelnr artno",
    "time": "time timestamp ts date datetime created at when day zeit datum zeitpunkt fecha heure "
    "uhrzeit tag data occurred rated ordered purchased unix utc erstellt am horodatage dt dat",
    "order": "order bestellung bestell auftrag basket invoice receipt transaction trx txn "
    "rechnung bon commande pedido ordine purchase ticket factura beleg orderid bestnr",
    "price": "price preis einzelpreis prix precio prezzo cost msrp prijs stueckpreis unitprice "
    "verkaufspreis vk uvp",
    "event": "event action behavior behaviour activity aktion ereignis interaction eventtype "
    "evento accion verb",
    "type": "type kind art typ tipo",
    "email": "email mail emailaddress",
    "description": "description beschreibung descripcion descrizione desc productdescription",
    "id": "id nr no num number key code identifier nummer numero ref uuid guid",
}
"""Concepts that several columns share, or none -> words for them."""

_COLUMNS = [column for entity in SCHEMA.values() for column in entity.columns]

COLUMNS: dict[str, tuple[str, ...]] = {
    column.name: column.concepts or (column.name,) for column in _COLUMNS
}
"""Our column -> the concepts that its name may hold."""

WORDS: dict[str, str] = _SHARED | {
    COLUMNS[column.name][0]: column.words for column in _COLUMNS if column.words
}
"""Concept -> words for it, folded as `tokens` folds a name."""

FILES: dict[str, str] = {
    "users": "user users customer customers kunde kunden member members household households "
    "client clients demographics people nutzer person persons account accounts utilisateurs "
    "usuarios visitors shoppers",
    "products": "product products item items article articles artikel catalog catalogue katalog "
    "movie movies book books sku skus produkte produits productos listings inventory sortiment "
    "goods ware waren games songs tracks recipes",
    "ratings": "rating ratings review reviews bewertung bewertungen stars feedback votes scores "
    "avis valoraciones sterne notes",
    "transactions": "transaction transactions order orders purchase purchases sale sales "
    "bestellung bestellungen invoice invoices basket baskets receipts checkout retail orderlines "
    "kaeufe kauf commandes pedidos lines umsatz verkaeufe auftraege",
    "events": "event events click clicks clickstream behavior behaviour log logs view views "
    "activity tracking interaction interactions stream ereignisse actions sessions userbehavior "
    "plays listens",
}
"""Entity -> words that its files are called by."""

_CONCEPT = {word: concept for concept, words in WORDS.items() for word in words.split()}
_LONG = sorted((w for w in _CONCEPT if len(w) >= 4), key=len, reverse=True)
_SPECIAL = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae"})


def tokens(name: str) -> list[str]:
    """The words of a name in any style: `KundenNr.`, `kunden_nr` and `kunden nr` are equal."""
    plain = re.sub(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])", " ", _last_of_path(name))
    plain = plain.lower().translate(_SPECIAL)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return re.findall(r"[a-z]+|[0-9]+", plain)


def _last_of_path(name: str) -> str:
    """The end of a path that says something: of customer.id, `id` alone would say nothing."""
    around, _, last = name.rpartition(".")
    if _CONCEPT.get(last.lower()) == "id":
        return f"{around.rpartition('.')[2]} {last}"
    return last or name


@cache
def concepts_of(name: str) -> tuple[str, ...]:
    """The concepts that a column's name holds, in the order of its words."""
    found: list[str] = []
    words = tokens(name)
    joined = "".join(words)
    if joined in _CONCEPT:
        return (_CONCEPT[joined],)
    for word in words:
        concept = _CONCEPT.get(word) or _CONCEPT.get(word.removesuffix("s"))
        if concept:
            found.append(concept)
            continue
        found += [_CONCEPT[part] for part in _parts(word)]
    return tuple(found)


def _parts(word: str) -> list[str]:
    """Known words that a longer one begins or ends with: kundennummer, itemid."""
    parts = [known for known in _LONG if word.startswith(known) or word.endswith(known)][:2]
    if parts and word.endswith("id") and len(word) > 4:
        parts.append("id")
    return sorted(parts, key=word.find)


def likeness(name: str, ours: str, entity: str) -> float:
    """How much a column's name says that it is ours, 0 to 1."""
    if "".join(tokens(name)) == ours.replace("_", ""):
        return 1.0
    concepts = concepts_of(name)
    if name == PLACE:
        return 1.0 if ours == "line_no" else 0.0
    core = _core(concepts)
    wanted = COLUMNS[ours]
    if not core:
        # "id" alone is the key of its own table
        own = {"users": "user_id", "products": "product_id", "events": "event_id"}
        own["transactions"] = "order_id"
        return 0.7 if concepts and own.get(entity) == ours else 0.0
    if ours.endswith("_at"):
        later = bool(_OTHER_TIMES & set(tokens(name)))
        return _time_likeness(ours, wanted, core) * (0.5 if later else 1.0)
    if ours == "line_no" and is_line_number(concepts):
        return 0.9
    if (ours, core) in (("user_id", ["email"]), ("title", ["description"])):
        return 0.5
    if ours == "category" and core == ["product", "type"]:
        return 0.7
    if core[0] not in wanted and core[-1] not in wanted:
        return 0.0
    if ours in AMOUNTS and (names_a_key(name) or _OTHER_AMOUNTS & set(tokens(name))):
        return 0.0
    if ours in ("title", "category", "brand") and _OTHER_AMOUNTS & set(tokens(name)):
        return 0.0
    if ours == "order_id" and {"status", "type", "total"} & set(tokens(name)):
        return 0.0
    if ours == "event_type":
        return 0.9 if "id" not in concepts else 0.0
    if ours == "event_id":
        return 0.9 if "id" in concepts else 0.0
    if ours in ("title", "category", "brand") and "id" in concepts:
        return 0.3
    if ours == "product_id" and core[-1] in ("title", "category", "brand", "price", "type"):
        return 0.0
    if ours == "user_id" and core[-1] in ("title", "type", "time", "country"):
        return 0.0
    of_product = ours in ("title", "category", "brand", "price")
    exact = all(c in wanted or (of_product and c == "product") for c in core)
    if (of_product or ours in AMOUNTS) and any(not concepts_of(word) for word in tokens(name)):
        exact = False  # retail_value is less surely the line's than value
    return 0.9 if exact else 0.6


PLACE = "#"
"""The name of an element's place in a list."""
AMOUNTS = ("quantity", "unit_price", "line_total", "price", "rating")
"""Our columns that are measured, so that a key is never one of them."""
_OTHER_AMOUNTS = {
    "freight", "shipping", "postage", "versand", "payment", "discount", "rabatt", "tax", "vat",
    "mwst", "refund", "refunded", "channel", "status", "average", "avg", "mean", "installments",
    "helpful", "length", "lenght", "weight", "width", "height",
}  # fmt: skip
"""Words with which a number is about something else than price, quantity, total or rating."""
_OTHER_TIMES = {
    "limit", "estimated", "delivered", "delivery", "approved", "carrier", "shipped", "shipping",
    "original", "paid", "cancelled", "canceled", "refunded", "fulfilled", "due", "answer", "sent",
}  # fmt: skip
"""Words with which a time is that of a later step, not of what happened."""
_PROPERTIES = {"category", "brand", "price", "currency", "stock", "country", "type"}


def _core(concepts: tuple[str, ...]) -> list[str]:
    """What a name is about: without `id`, and without `name` where that is the name of a property.

    product_category_name is a category; product_name is a title.
    """
    core = [c for c in concepts if c != "id"]
    if len(core) > 1 and "title" in core and set(core) & _PROPERTIES:
        core = [c for c in core if c != "title"]
    return core


def names_a_key(name: str) -> bool:
    """Whether a name says that the column identifies something: order_item_id, Artikelnr."""
    return bool({"id", "uuid", "guid", "code", "key"} & set(tokens(name)))


_STATUS = {"status", "state", "zustand", "estado", "statut", "stato"}


def is_status(name: str) -> bool:
    """Whether a name says that the column is a state of something: order_status."""
    return bool(_STATUS & set(tokens(name)))


def is_line_number(concepts: tuple[str, ...]) -> bool:
    """Whether a name says the place in an order: order_item_id, item_no, line."""
    core = [c for c in concepts if c != "id"]
    numbered = "id" in concepts and core == ["order", "product"]
    return core == ["line"] or core == ["order", "line"] or numbered


def _time_likeness(ours: str, wanted: tuple[str, ...], core: list[str]) -> float:
    if any(c in wanted for c in core):
        return 0.9
    if ours == "received_at":
        return 0.0  # of a time that does not say so, it is the wrong guess
    if "time" in core and not set(core) & {"received", "updated", "birth", "signup"}:
        return 0.4 if ours in ("updated_at", "signed_up_at") else 0.8
    return 0.5 if wanted == ("time",) and core[0] in ("updated", "order", "rating") else 0.0


def file_likeness(path_words: str, entity: str) -> float:
    """How much the name of a file, or of its folder, says that it holds an entity, 0 to 1."""
    words = tokens(path_words.replace(".", " "))
    known = FILES[entity].split()
    if not words:
        return 0.0
    joined = "".join(words)
    if joined in known or words[-1] in known:
        return 1.0
    if any(word in known for word in words):
        return 0.8
    return 0.5 if any(word in joined for word in known if len(word) >= 5) else 0.0
