"""What must become of each record of a small shop, by plain loops over plain Python values.

Written from docs/shops.md, without recomart.rules and without SQL. It knows products and ratings,
the defaults of their rules, and what `rules:` may declare for price, brand, rating and references.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

Row = dict[str, str | None]
LOADED_AT = datetime(2025, 1, 1)
EARLIEST = datetime(1900, 1, 1)


@dataclass
class Judged:
    """One entity's records, by (batch, record)."""

    reasons: dict[tuple[str, int], str] = field(default_factory=dict)
    outcome: dict[tuple[str, int], str] = field(default_factory=dict)
    flags: set[tuple[str, int, str]] = field(default_factory=set)
    """batch, record, code"""
    missing: Counter[str] = field(default_factory=Counter)
    """Accepted records without a value, by column."""
    unlisted: int = 0
    """Accepted records that name a product which was never received."""

    @property
    def account(self) -> dict[str, Counter[str]]:
        """Batch -> how many records had each outcome."""
        found: dict[str, Counter[str]] = {}
        for (batch, _), outcome in self.outcome.items():
            found.setdefault(batch, Counter())[outcome] += 1
        return found

    def count(self, outcome: str) -> int:
        return sum(1 for found in self.outcome.values() if found == outcome)

    def broken(self, code: str) -> int:
        """Records that break the rule of this code."""
        return sum(1 for reasons in self.reasons.values() if code in reasons.split(","))


def number(text: str | None) -> Decimal | None:
    try:
        found = None if blank(text) else Decimal(str(text).strip())
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def moment(text: str | None) -> datetime | None:
    try:
        return None if blank(text) else datetime.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError:
        return None


def blank(text: str | None) -> bool:
    return text is None or not text.strip(" ")


def judge_products(rows: list[Row], rules: dict) -> Judged:
    """Products, by the rules of price (range, usual) and brand (required, one_of, rare_below)."""
    low, high = rules["price"]["range"]

    def reasons(row: Row) -> list[str]:
        price, found = number(row["price"]), []
        if blank(row["product_id"]):
            found.append("missing_product_id")
        if rules["brand"]["required"] and blank(row["brand"]):
            found.append("missing_brand")
        known = rules["brand"]["one_of"]
        if known and not blank(row["brand"]) and row["brand"] not in known:
            found.append("unknown_brand")
        if price is None and not blank(row["price"]):
            found.append("invalid_price")
        if price is not None and not low <= price <= high:
            found.append("out_of_range_price")
        return found

    judged, accepted = _judge(
        "products",
        rows,
        reasons,
        key=lambda row: (row["product_id"],),
        content=lambda row: (row["brand"], number(row["price"])),
    )
    prices = [float(p) for row in accepted.values() if (p := number(row["price"])) is not None]
    usual = _fences(prices) if rules["price"]["usual"] == "iqr" else rules["price"]["usual"]
    brands = Counter(row["brand"] for row in accepted.values() if not blank(row["brand"]))
    for (batch, record), row in accepted.items():
        price = number(row["price"])
        if usual and price is not None and not usual[0] <= float(price) <= usual[1]:
            judged.flags.add((batch, record, "unusual_price"))
        if not blank(row["brand"]) and brands[row["brand"]] < rules["brand"]["rare_below"]:
            judged.flags.add((batch, record, "rare_brand"))
        judged.missing["price"] += price is None
        judged.missing["brand"] += blank(row["brand"])
    return judged


def judge_ratings(rows: list[Row], products: list[Row], rules: dict) -> Judged:
    """Ratings, by the rules of rating (range) and product_id (reference)."""
    low, high = rules["rating"]["range"]
    received = {row["product_id"] for row in products}

    def reasons(row: Row) -> list[str]:
        rating, at, found = number(row["rating"]), moment(row["rated_at"]), []
        found += [f"missing_{c}" for c in ("user_id", "product_id") if blank(row[c])]
        if blank(row["rating"]):
            found.append("missing_rating")
        elif rating is None:
            found.append("invalid_rating")
        elif not low <= rating <= high:
            found.append("out_of_range_rating")
        if blank(row["rated_at"]):
            found.append("missing_rated_at")
        elif at is None:
            found.append("invalid_rated_at")
        elif at > LOADED_AT:
            found.append("future_rated_at")
        elif at < EARLIEST:
            found.append("before_opening_rated_at")
        unknown = not blank(row["product_id"]) and row["product_id"] not in received
        if unknown and rules["product_id"]["reference"] == "quarantine":
            found.append("unknown_product")
        return found

    judged, accepted = _judge(
        "ratings",
        rows,
        reasons,
        key=lambda row: (row["user_id"], row["product_id"], moment(row["rated_at"])),
        content=lambda row: (number(row["rating"]),),
    )
    judged.unlisted = sum(1 for row in accepted.values() if row["product_id"] not in received)
    return judged


def _judge(entity, rows, reasons, key, content) -> tuple[Judged, dict[tuple[str, int], Row]]:  # type: ignore[no-untyped-def]
    judged, counts = Judged(), Counter[str]()
    versions: dict[tuple, list[tuple[tuple[str, int], Row]]] = {}
    for row in rows:
        batch = f"{entity}-{row['_batch_id']}"
        counts[batch] += 1
        place = (batch, counts[batch])
        if broken := reasons(row):
            judged.reasons[place] = ",".join(broken)
            judged.outcome[place] = "quarantined"
        else:
            versions.setdefault(key(row), []).append((place, row))
    accepted = {}
    for records in versions.values():
        records.sort(key=lambda found: found[0])
        for n, (place, row) in enumerate(records[:-1]):
            later = [content(other) for _, other in records[n + 1 :]]
            same = content(row) in later
            judged.outcome[place] = "deduplicated" if same else "superseded"
        place, row = records[-1]
        judged.outcome[place] = "accepted"
        accepted[place] = row
    return judged, accepted


def _fences(values: list[float]) -> tuple[float, float] | None:
    """Tukey's, 1.5 interquartile ranges out, by quartiles between the order statistics."""
    if not values:
        return None
    first, third = _quantile(values, 0.25), _quantile(values, 0.75)
    width = 1.5 * (third - first)
    return (round(first - width, 6), round(third + width, 6)) if width > 0 else None


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
