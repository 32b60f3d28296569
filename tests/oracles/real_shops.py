"""Invented shops in the shape of real exports, each with what a count by hand finds in its files.

The files are written row by row, and the counts are of these rows: nothing here reads a file, maps a
column or runs SQL.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Counted:
    """What the accepted facts of a shop must come to.

    Args:
        fact: the table of facts: transactions or ratings.
        facts: how many records are accepted.
        users: distinct users among them; `products` likewise.
        units: how many of each product were bought, or how many ratings it has.
        total: the sum of what was spent, or of the ratings.
        times: accepted records by time, in UTC.
        titles: product -> its title; None for none.
        categories: product -> its category; "unknown" for none.
        edit: a text of the drafted file, and what a person writes in its place.
    """

    fact: str
    facts: int
    users: int
    products: int
    units: dict[str, int]
    total: Decimal
    times: Counter[datetime]
    titles: dict[str, str] | dict[str, None]
    categories: dict[str, str]
    edit: tuple[str, str] | None = None


def fashion(folder: Path) -> Counted:
    """A fashion chain: lines without an order id, of which one in ten is there twice."""
    rng = random.Random(11)
    articles = [f"0{663_713_001 + n}" for n in range(40)]
    kinds = ["Vest top", "Trousers", "Sweater", "Socks"]
    groups = ["Garment Upper body", "Garment Lower body", "Garment Upper body", "Socks & Tights"]
    listed = [
        f'{a},{int(a) // 1000},Model {n // 2},{250 + n % 4},{kinds[n % 4]},{groups[n % 4]},'
        f'{1_010_016 + n % 3},Solid,{n % 9},Black,{1676 + n % 5},Dept {n % 5},"Soft, {n}"'
        for n, a in enumerate(articles)
    ]  # fmt: skip
    header = (
        "article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,"
        "graphical_appearance_no,graphical_appearance_name,colour_group_code,colour_group_name,"
        "department_no,department_name,detail_desc"
    )
    (folder / "articles.csv").write_text("\n".join([header, *listed]) + "\n")
    customers = [f"{rng.getrandbits(256):064x}" for _ in range(50)]
    rows = ["customer_id,FN,Active,club_member_status,age,postal_code"]
    rows += [f"{c},,,ACTIVE,{20 + n},{n:064x}" for n, c in enumerate(customers)]
    (folder / "customers.csv").write_text("\n".join(rows) + "\n")
    lines = []
    for n in range(600):
        day = datetime(2020, 9, 1) + timedelta(days=n // 40)
        line = (
            day,
            rng.choice(customers),
            rng.choice(articles),
            Decimal(rng.randrange(10, 69)) / 1000,
        )
        lines += [line] * (2 if rng.random() < 0.1 else 1)
    text = [f"{d:%Y-%m-%d},{c},{a},{p},{n % 2 + 1}" for n, (d, c, a, p) in enumerate(lines)]
    header = "t_dat,customer_id,article_id,price,sales_channel_id"
    (folder / "transactions_train.csv").write_text("\n".join([header, *text]) + "\n")
    return Counted(
        fact="transactions",
        facts=len(lines),
        users=len({c for _, c, _, _ in lines}),
        products=len({a for _, _, a, _ in lines}),
        units=dict(Counter(a for _, _, a, _ in lines)),
        total=sum((p for _, _, _, p in lines), Decimal()),
        times=Counter(d for d, _, _, _ in lines),
        titles={a: f"Model {n // 2}" for n, a in enumerate(articles)},
        categories={a: groups[n % 4] for n, a in enumerate(articles)},
    )


def till(folder: Path) -> Counted:
    """Invoices of a British wholesaler: local times, repeated lines, customers without a number, and
    cancellations (C536401, a quantity below 0) of a line that the customer bought once."""
    rng = random.Random(12)
    london = ZoneInfo("Europe/London")
    products = [f"{84_000 + n}" for n in range(50)]
    # (invoice, product, quantity, price, local time, customer)
    bought: list[tuple[str, str, int, Decimal, datetime, str]] = []
    for n in range(240):
        at = datetime(2011, 3, 20, 8, n % 60) + timedelta(hours=5 * (n % 3), days=n // 12)
        customer = "" if n % 9 == 0 else f"{12_000 + n % 30}"
        for k in range(n % 3 + 1):
            price = Decimal(rng.randrange(100, 900)) / 100
            line = (
                f"{536_365 + n}",
                products[(7 * n + 11 * k) % 50],
                n % 5 + 1,
                price,
                at,
                customer,
            )
            bought += [line] * (2 if rng.random() < 0.08 else 1)
    pairs = Counter((customer, product) for _, product, _, _, _, customer in bought)
    once = [line for line in bought if line[5] and pairs[line[5], line[1]] == 1]
    cancelled = once[::25]
    rows = [*bought]
    for n, (_, product, quantity, price, at, customer) in enumerate(cancelled):
        rows.append(
            (f"C{537_000 + n}", product, -quantity, price, at + timedelta(days=2), customer)
        )
    # of a purchase that is not in the export
    rows.append(("C538000", products[0], -2, Decimal("2.5"), datetime(2011, 5, 1, 9), "19999"))
    text = [
        f"{invoice},{product},Lamp {product},{quantity},{at:%d/%m/%Y %H:%M},{price},{customer},"
        "United Kingdom"
        for invoice, product, quantity, price, at, customer in rows
    ]
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    (folder / "online_retail.csv").write_text("\n".join([header, *text]) + "\n")
    kept = [line for line in bought if line[5] and line not in cancelled]
    units: Counter[str] = Counter()
    for _, product, quantity, _, _, _ in kept:
        units[product] += quantity
    return Counted(
        fact="transactions",
        facts=len(kept),
        users=len({line[5] for line in kept}),
        products=len(units),
        units=dict(units),
        total=sum((q * p for _, _, q, p, _, _ in kept), Decimal()),
        times=Counter(
            line[4].replace(tzinfo=london).astimezone(UTC).replace(tzinfo=None) for line in kept
        ),
        titles={product: f"Lamp {product}" for product in units},
        categories=dict.fromkeys(units, "unknown"),
        edit=("transactions:\n", "transactions:\n  time_zone: Europe/London\n"),
    )


def catalogue(folder: Path) -> Counted:
    """A catalogue as JSON lines: prices with a sign, categories in a list, reviews in the products."""
    items, ratings = [], []
    for n in range(60):
        reviews = []
        for k in range(n % 5):
            at = datetime(2024, 5, 1 + n % 28, 10, k)
            review = (f"A{(5 * n + 3 * k) % 40:04}", f"B{n:05}", (n + k) % 5 + 1, at)
            ratings.append(review)
            reviews.append(
                {"reviewerID": review[0], "overall": review[2], "reviewText": "good",
                 "reviewTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
            )  # fmt: skip
        items.append(
            {"asin": f"B{n:05}", "title": f"Card {n}", "price": f"${n + 1},{n % 9}00.95",
             "categories": ["Gift Cards", ["Occasions", "Kitchen", "Garden"][n % 3]],
             "reviews": reviews}
        )  # fmt: skip
    text = "".join(json.dumps(item) + "\n" for item in items)
    (folder / "catalogue.jsonl").write_text(text)
    return Counted(
        fact="ratings",
        facts=len(ratings),
        users=len({user for user, _, _, _ in ratings}),
        products=len({product for _, product, _, _ in ratings}),
        units=dict(Counter(product for _, product, _, _ in ratings)),
        total=Decimal(sum(stars for _, _, stars, _ in ratings)),
        times=Counter(at for _, _, _, at in ratings),
        titles={f"B{n:05}": f"Card {n}" for n in range(60)},
        categories={f"B{n:05}": ["Occasions", "Kitchen", "Garden"][n % 3] for n in range(60)},
    )


def marketplace(folder: Path) -> Counted:
    """A Brazilian marketplace, saved by a spreadsheet: orders, their items, products, and the English
    names of categories in four files; empty rows at their ends, and cancelled orders."""
    rng = random.Random(13)
    kinds = ["perfumaria", "artes", "esporte_lazer", "bebes"]
    english = {"perfumaria": "perfumery", "artes": "art", "bebes": "baby"}
    products = [f"{rng.getrandbits(128):032x}" for _ in range(40)]
    orders = ["order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at"]
    items = ["order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value"]
    kept: list[tuple[str, str, Decimal, datetime]] = []
    for n in range(200):
        order, customer = f"{rng.getrandbits(128):032x}", f"{n % 70:032x}"
        at = datetime(2018, n % 12 + 1, n % 28 + 1, n % 24, n % 60)
        written = f"{at.month}/{at.day}/{at.year} {at.hour}:{at.minute:02}"
        status = "canceled" if n % 25 == 0 else "delivered"
        orders.append(f"{order},{customer},{status},{written},{written}")
        for k in range(n % 3 + 1):
            product, price = products[(n + k // 2) % 40], Decimal(rng.randrange(990, 9990)) / 100
            items.append(f"{order},{k + 1},{product},s{n % 5},{written},{price},{n % 20}.5")
            if status == "delivered":
                kept.append((customer, product, price, at))
    listed = ["product_id,product_category_name,product_name_lenght,product_photos_qty"]
    listed += [f"{p},{kinds[n % 4]},{n + 20},{n % 4}" for n, p in enumerate(products)]
    names = ["product_category_name,product_category_name_english"]
    names += [f"{name},{translated}" for name, translated in english.items()]
    files = {
        "olist_orders_dataset": orders, "olist_order_items_dataset": items,
        "olist_products_dataset": listed, "product_category_name_translation": names,
    }  # fmt: skip
    for name, rows in files.items():
        empty = "," * rows[0].count(",")
        text = "\r\n".join([*rows, *[empty] * 30]) + "\r\n"
        (folder / f"{name}.csv").write_text(text, "utf-8-sig", newline="")
    kind_of = {p: kinds[n % 4] for n, p in enumerate(products)}
    return Counted(
        fact="transactions",
        facts=len(kept),
        users=len({user for user, _, _, _ in kept}),
        products=len({product for _, product, _, _ in kept}),
        units=dict(Counter(product for _, product, _, _ in kept)),
        total=sum((price for _, _, price, _ in kept), Decimal()),
        times=Counter(at for _, _, _, at in kept),
        titles=dict.fromkeys(products),
        categories={p: english.get(kind, kind) for p, kind in kind_of.items()},
    )


SHOPS = [fashion, till, catalogue, marketplace]
