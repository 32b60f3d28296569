"""Six invented shops, each with conventions of its own, and what a person would map by hand."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2024, 11, 3, 8, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Expected:
    """What a person would write: entity -> our column -> the source's, and the time formats."""

    columns: dict[str, dict[str, str]]
    time_formats: dict[str, str]


def _deeds(
    rng: random.Random, users: list[str], items: list[str], count: int
) -> Iterator[tuple[str, str, datetime]]:
    for _ in range(count):
        at = START + timedelta(minutes=rng.randrange(60 * 24 * 90), seconds=rng.randrange(60))
        yield rng.choice(users), rng.choice(items), at


def german(folder: Path) -> Expected:
    """Semicolons, latin-1, German words, dates and decimal commas; orders by month."""
    rng = random.Random(1)
    users = [f"K{n:05d}" for n in rng.sample(range(10_000), 60)]
    items = [f"{n}" for n in rng.sample(range(40_000, 50_000), 40)]
    kunden = ["KundenNr;Vorname;E-Mail;Land;Kunde seit"]
    kunden += [f"{u};Jürgen;{u}@beispiel.de;DE;{rng.randrange(1, 29):02d}.03.2023" for u in users]
    artikel = ["Artikelnummer;Bezeichnung;Warengruppe;Hersteller;Preis"]
    artikel += [
        f"{i};Gießkanne Modell {i};{rng.choice(['Küche', 'Garten', 'Bad'])};Müller;{rng.randrange(100)},{rng.randrange(10, 99)}"
        for i in items
    ]
    (folder / "kunden.csv").write_text("\n".join(kunden) + "\n", "latin-1")
    (folder / "artikel.csv").write_text("\n".join(artikel) + "\n", "latin-1")
    for month in (1, 2):
        lines = ["BestellNr;Pos;KundenNr;ArtikelNr;Menge;Einzelpreis;Datum"]
        for number, (user, item, at) in enumerate(_deeds(rng, users, items, 150)):
            price = f"{rng.randrange(1, 90)},{rng.randrange(10, 99)}"
            lines.append(
                f"B{month}{number:04d};1;{user};{item};{rng.randrange(1, 4)};{price};{at:%d.%m.%Y %H:%M}"
            )
        (folder / f"bestellungen-2025-0{month}.csv").write_text("\n".join(lines) + "\n", "latin-1")
    return Expected(
        {
            "users": {"user_id": "KundenNr", "country": "Land", "signed_up_at": "Kunde seit"},
            "products": {
                "product_id": "Artikelnummer",
                "title": "Bezeichnung",
                "category": "Warengruppe",
                "brand": "Hersteller",
                "price": "Preis",
            },
            "transactions": {
                "order_id": "BestellNr",
                "line_no": "Pos",
                "user_id": "KundenNr",
                "product_id": "ArtikelNr",
                "quantity": "Menge",
                "unit_price": "Einzelpreis",
                "ordered_at": "Datum",
            },
        },
        {"users": "%d.%m.%Y", "transactions": "%d.%m.%Y %H:%M"},
    )


def american(folder: Path) -> Expected:
    """Camel case, US dates with AM and PM, JSON lines with nested objects, gzip."""
    rng = random.Random(2)
    users = [f"{rng.getrandbits(48):012x}" for _ in range(80)]
    items = [f"B0{rng.getrandbits(32):08X}" for _ in range(50)]
    with gzip.open(folder / "reviews.csv.gz", "wt") as handle:
        handle.write("reviewId,reviewerId,asin,starRating,reviewText,reviewDate\n")
        for n, (user, item, at) in enumerate(_deeds(rng, users, items, 400)):
            stars = rng.choice([1, 2, 3, 4, 4, 5, 5])
            handle.write(
                f'r{n},{user},{item},{stars},"Great, really ""great""",{at:%m/%d/%Y %I:%M %p}\n'
            )
    with open(folder / "catalog.jsonl", "w") as handle:
        for item in items:
            record = {
                "asin": item,
                "productName": f"Gadget {item[-3:]} deluxe",
                "details": {
                    "manufacturer": rng.choice(["Acme", "Globex"]),
                    "department": rng.choice(["Home", "Toys", "Audio"]),
                },
                "listPrice": rng.randrange(500, 9000) / 100,
                "currency": "USD",
                "tags": ["a", "b"],
            }
            handle.write(json.dumps(record) + "\n")
    return Expected(
        {
            "products": {
                "product_id": "asin",
                "title": "productName",
                "category": "details.department",
                "brand": "details.manufacturer",
                "price": "listPrice",
                "currency": "currency",
            },
            "ratings": {
                "user_id": "reviewerId",
                "product_id": "asin",
                "rating": "starRating",
                "rated_at": "reviewDate",
            },
        },
        {"ratings": "%m/%d/%Y %I:%M %p"},
    )


def headless(folder: Path) -> Expected:
    """ML-1M's way: two colons, no header, epoch seconds; half stars."""
    rng = random.Random(3)
    users, items = [str(n) for n in range(1, 91)], [str(n) for n in range(1, 131)]
    (folder / "users.dat").write_text(
        "".join(f"{u}::{rng.choice('MF')}::{rng.randrange(18, 70)}\n" for u in users)
    )
    (folder / "movies.dat").write_text(
        "".join(f"{i}::The Return of Film {i} (19{rng.randrange(50, 99)})::Drama\n" for i in items),
    )
    with open(folder / "ratings.dat", "w") as handle:
        for user, item, at in _deeds(rng, users, items, 2_000):
            handle.write(f"{user}::{item}::{rng.randrange(1, 11) / 2}::{int(at.timestamp())}\n")
    return Expected(
        {
            "users": {"user_id": "1"},
            "products": {"product_id": "1", "title": "2"},
            "ratings": {"user_id": "1", "product_id": "2", "rating": "3", "rated_at": "4"},
        },
        {"ratings": "epoch_seconds"},
    )


def clickstream(folder: Path) -> Expected:
    """A tab-separated log with milliseconds and words of its own, beside a Spanish catalogue."""
    rng = random.Random(4)
    users, items = [f"v{n}" for n in range(300)], [f"{n}" for n in range(1_000, 1_200)]
    logs = folder / "logs"
    logs.mkdir()
    kinds = ["page_view"] * 12 + ["add-to-cart"] * 3 + ["checkout", "wishlist", "newsletter"]
    for day in (1, 2, 3):
        lines = ["ts\tvisitorid\tevent\titemid\tsession"]
        for user, item, at in _deeds(rng, users, items, 300):
            ms = int(at.timestamp() * 1000) + rng.randrange(1000)
            lines.append(f"{ms}\t{user}\t{rng.choice(kinds)}\t{item}\ts{rng.randrange(500)}")
        (logs / f"2025010{day}.tsv").write_text("\n".join(lines) + "\n")
    articulos = ["codigo_articulo|nombre|categoria|precio|disponible"]
    articulos += [
        f"{i}|Lámpara {i}|{rng.choice(['Hogar', 'Jardín'])}|{rng.random():.2f}|si" for i in items
    ]
    (folder / "articulos.txt").write_text("\n".join(articulos) + "\n")
    return Expected(
        {
            "products": {
                "product_id": "codigo_articulo",
                "title": "nombre",
                "category": "categoria",
                "price": "precio",
            },
            "events": {
                "event_type": "event",
                "user_id": "visitorid",
                "session_id": "session",
                "product_id": "itemid",
                "occurred_at": "ts",
            },
        },
        {"events": "epoch_milliseconds"},
    )


def retail(folder: Path) -> Expected:
    """The invoices of a wholesaler, with names in capitals and no lists beside; UTF-16."""
    rng = random.Random(5)
    users, items = [str(n) for n in range(12_000, 12_070)], [f"{n}A" for n in range(84_000, 84_060)]
    lines = ["INVOICE_NO,STOCK_CODE,DESCRIPTION,QTY,INVOICE_DATE,UNIT_PRICE,CUSTOMER_ID,COUNTRY"]
    for n, (user, item, at) in enumerate(_deeds(rng, users, items, 500)):
        lines.append(
            f'{536_000 + n // 3},{item},"LAMP, {item}",{rng.randrange(1, 30)},'
            f"{at:%Y-%m-%d %H:%M:%S},{rng.randrange(100, 999) / 100},{user},France"
        )
    (folder / "online_retail.csv").write_text("\n".join(lines) + "\n", "utf-16")
    return Expected(
        {
            "products": {"product_id": "STOCK_CODE", "title": "DESCRIPTION"},
            "transactions": {
                "order_id": "INVOICE_NO",
                "user_id": "CUSTOMER_ID",
                "product_id": "STOCK_CODE",
                "quantity": "QTY",
                "unit_price": "UNIT_PRICE",
                "ordered_at": "INVOICE_DATE",
            },
        },
        {"transactions": "iso"},
    )


def abbreviated(folder: Path) -> Expected:
    """Excel's CSV with a byte-order mark and Windows line ends, short German names, nested ids."""
    rng = random.Random(6)
    users, items = [f"{n:05d}" for n in range(1, 60)], [f"{n:05d}" for n in range(100, 140)]
    artikel = ["Art.-Nr.;Bezeichnung;Warengruppe;VK brutto;Lagerbestand"]
    artikel += [
        f"{i};Helm {i};{rng.choice(['Helm', 'Licht'])};1.0{n:02},50;{n}"
        for n, i in enumerate(items)
    ]
    (folder / "Artikel.csv").write_text("\r\n".join(artikel) + "\r\n", "utf-8-sig", newline="")
    lines = ["Best.-Nr.;Pos;Kd.-Nr.;Datum;Art.-Nr.;Menge;Einzelpreis;Gesamt"]
    clicks = []
    for number, (user, item, at) in enumerate(_deeds(rng, users, items, 200)):
        lines.append(
            f"{number};1;{user};{at:%d.%m.%Y};{item};2;{number % 90},50;{2 * (number % 90) + 1},00"
        )
        event = {"ts": f"{at:%Y-%m-%dT%H:%M:%S}+02:00", "customer": {"id": user}, "sku": item}
        clicks.append(event | {"event": "basket_add" if number % 3 else "product_view"})
    (folder / "Bestellungen 2025.csv").write_text("\n".join(lines) + "\n", "utf-8")
    with gzip.open(folder / "clicks-2025.jsonl.gz", "wt") as handle:
        handle.writelines(json.dumps(event) + "\n" for event in clicks)
    return Expected(
        {
            "products": {
                "product_id": "Art.-Nr.",
                "title": "Bezeichnung",
                "category": "Warengruppe",
                "price": "VK brutto",
            },
            "transactions": {
                "order_id": "Best.-Nr.",
                "line_no": "Pos",
                "user_id": "Kd.-Nr.",
                "product_id": "Art.-Nr.",
                "quantity": "Menge",
                "unit_price": "Einzelpreis",
                "line_total": "Gesamt",
                "ordered_at": "Datum",
            },
            "events": {"user_id": "customer.id", "product_id": "sku", "event_type": "event"},
        },
        {"transactions": "%d.%m.%Y", "events": "iso"},
    )


SHOPS = [german, american, headless, clickstream, retail, abbreviated]
