"""Invented shops in the shape of real exports, each with what a count by hand finds in its files.

The files are written row by row, and the counts are of these rows: nothing here reads a file, maps a
column or runs SQL.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Counted:
    """What the accepted facts of a shop must come to.

    Args:
        facts: how many records are accepted.
        users: distinct users among them; `products` likewise.
        units: how many of each product were bought, or how many ratings it has.
        total: the sum of what was spent.
        times: accepted records by time, in UTC.
        titles: product -> its title.
        categories: product -> its category.
    """

    facts: int
    users: int
    products: int
    units: dict[str, int]
    total: Decimal
    times: Counter[datetime]
    titles: dict[str, str]
    categories: dict[str, str]


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
        facts=len(lines),
        users=len({c for _, c, _, _ in lines}),
        products=len({a for _, _, a, _ in lines}),
        units=dict(Counter(a for _, _, a, _ in lines)),
        total=sum((p for _, _, _, p in lines), Decimal()),
        times=Counter(d for d, _, _, _ in lines),
        titles={a: f"Model {n // 2}" for n, a in enumerate(articles)},
        categories={a: groups[n % 4] for n, a in enumerate(articles)},
    )


SHOPS = [fashion]
