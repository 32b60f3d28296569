"""Cancellations and returns among order lines: what they take back, and that the account balances."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from quality.quarantine import CANCELS_NOTHING
from quality.quarantine import rows as quarantined
from recomart.settings import load_settings
from tests.oracles.cancelled_lines import Line, Place, taken_back
from tests.oracles.raw_tables import RawShop

DECLARED = {
    "transactions": {
        "cancellations": {
            "negative_quantity": True,
            "order_prefix": "C",
            "where": {"kind": "refund"},
        }
    }
}
STOPS = {"transactions": {"stop_above": 1}}
TERMS = ("accepted", "quarantined", "deduplicated", "superseded", "filtered", "cancelled")
FACTS = "select order_id, line_no, quantity, unit_price, line_total from marts.fct_transactions order by all"
ASIDE = (
    "select _batch_id, _record, outcome from intermediate.int_transactions__set_aside order by all"
)


def _line(n: int, order: str, product: str, quantity: object, day: int, **more: object) -> dict:
    line = {"order_id": order, "line_no": str(n), "user_id": "u", "product_id": product}
    return (
        line | {"quantity": quantity, "unit_price": "2", "ordered_at": f"2024-03-{day:02}"} | more
    )


def _build(dbt: Any, rows: list[dict[str, Any]]) -> Path:
    lake = dbt.new_lake(RawShop({"transactions": rows}, rules=STOPS, sources=DECLARED))
    assert dbt.run(lake, "build", "--select", "+dq_stops")["dq_reconciles"] == "pass"
    return lake


@pytest.mark.slow
def test_each_way_of_writing_a_cancellation_takes_its_purchase_back(dbt, read) -> None:
    lake = _build(
        dbt,
        [
            _line(1, "o1", "a", "2", 1),
            _line(1, "o2", "a", "5", 2),
            _line(1, "C9", "a", "5", 3),  # by its order's prefix: o2, the latest before it
            _line(2, "o3", "b", "4", 1, line_total="10"),
            _line(2, "o3", "b", "-1", 4, line_total="-2.5"),  # the same key, and a part of o3
            _line(3, "o4", "c", "1", 1),
            _line(3, "o5", "c", "1", 2),
            _line(
                4, "o6", "c", None, 3, _cancels=True, _cancelled_order="o4"
            ),  # names the earlier one
            _line(5, "o7", "d", "-1", 1),  # before the purchase
            _line(5, "o8", "d", "1", 2),
            _line(6, "o9", "e", "3", 1),
            _line(6, "C1", "e", "-1", 2, _cancelled_order="o0"),  # names an order that is not there
            _line(7, "o10", "f", "1", 1, user_id="v"),
            _line(7, "C2", "f", "1", 2),  # of another user
            _line(8, "o11", "g", "-2", 2, user_id=None),  # a write-off: in quarantine as before
            _line(9, "o12", "h", "1", 1),
            _line(9, "C3", "h", "-3", 2),  # more than was bought
        ],
    )
    money = [(o, q, p, t) for o, _, q, p, t in read(lake, FACTS)]
    assert money == [
        ("o1", 2, 2, 4),
        ("o10", 1, 2, 2),
        ("o3", 3, 2, Decimal("7.5")),
        ("o5", 1, 2, 2),
        ("o8", 1, 2, 2),
        ("o9", 3, 2, 6),
    ]
    aside = {record: outcome for _, record, outcome in read(lake, ASIDE)}
    assert aside == {
        2: "cancelled", 3: "cancelled", 5: "cancelled", 6: "cancelled", 8: "cancelled",
        9: "cancels_nothing", 12: "cancels_nothing", 14: "cancels_nothing", 15: "quarantined",
        16: "cancelled", 17: "cancelled",
    }  # fmt: skip
    account = f"select {', '.join(TERMS)}, cancels_nothing from quality.dq_reconciliation"
    assert read(lake, account) == [(6, 1, 0, 0, 0, 10, 3)]
    settings = load_settings(lake=lake)
    rows = quarantined(settings, "transactions", CANCELS_NOTHING)
    assert [(row.place, dict(row.values)["quantity"]) for row in rows] == [
        (9, "-1"),
        (12, "-1"),
        (14, "1"),
    ]
    reasons = read(lake, "select quantity, reject_reasons from quality.quarantine_transactions")
    assert reasons == [("-2", "missing_user_id")]


def _random_lines(draw: Random) -> list[dict]:
    rows = []
    for batch in "123":
        for _ in range(70):
            cancels = draw.random() < 0.35
            row = _line(
                draw.randrange(3),
                f"{'C' if cancels and draw.random() < 0.5 else 'o'}{draw.randrange(14)}",
                draw.choice("abc"),
                str(draw.choice([1, 1, 2, 3, 5]) * (-1 if cancels and draw.random() < 0.5 else 1)),
                draw.randrange(1, 9),
                user_id=draw.choice(["u", "v", None] if draw.random() < 0.1 else ["u", "v"]),
                _batch_id=batch,
                _cancels=cancels,
                _cancelled_order=f"o{draw.randrange(16)}" if draw.random() < 0.4 else None,
            )
            rows.append(row)
        rows += [dict(draw.choice(rows), _batch_id=batch) for _ in range(10)]
    return rows


def _in_use(rows: list[dict]) -> tuple[list[Line], Counter]:
    """The lines that are neither in quarantine nor replaced, and how many are not."""
    versions: dict[tuple, list[tuple[Place, dict]]] = {}
    counts, records = Counter[str](), Counter[str]()
    for row in rows:
        batch = f"transactions-{row['_batch_id']}"
        records[batch] += 1
        if row["user_id"] is None:
            counts["quarantined"] += 1
            continue
        cancels = row["_cancels"] or row["order_id"][0] == "C" or row["quantity"][0] == "-"
        key = (row["order_id"], row["line_no"], cancels, row["ordered_at"] if cancels else "")
        versions.setdefault(key, []).append(((batch, records[batch]), row | {"_cancels": cancels}))
    lines = []
    for found in versions.values():
        found.sort(key=lambda one: one[0])
        for n, (_, row) in enumerate(found[:-1]):
            content = [_content(other) for _, other in found[n + 1 :]]
            counts["deduplicated" if _content(row) in content else "superseded"] += 1
        place, row = found[-1]
        lines.append(
            Line(
                place, row["order_id"], row["user_id"], row["product_id"], row["ordered_at"],
                abs(int(row["quantity"])), row["_cancels"],
                row["_cancelled_order"] if row["_cancels"] else None,
            )
        )  # fmt: skip
    return lines, counts


def _content(row: dict) -> tuple:
    named = row["_cancelled_order"] if row["_cancels"] else None
    columns = ("user_id", "product_id", "ordered_at")
    return (*(row[c] for c in columns), abs(int(row["quantity"])), named)


@pytest.mark.slow
@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_random_histories_are_taken_back_as_unit_by_unit(dbt, read, seed: int) -> None:
    """Across three batches, with quarantined, repeated and corrected lines among them."""
    rows = _random_lines(Random(seed))
    lines, expected = _in_use(rows)
    lake = _build(dbt, rows)
    taken = taken_back(lines)
    matches = (
        "select _batch_id, _record, cancelled from intermediate.int_transactions__cancellations"
    )
    found = {(batch, record): int(units) for batch, record, units in read(lake, matches)}
    cancelling = {line.place for line in lines if line.cancels}
    assert found == {p: units for p, units in taken.items() if units or p in cancelling}

    by_outcome = Counter(outcome for _, _, outcome in read(lake, ASIDE))
    nothing = sum(line.cancels and not taken[line.place] for line in lines)
    whole = sum(not line.cancels and taken[line.place] == line.units for line in lines)
    expected["cancels_nothing"] = nothing
    expected["cancelled"] = len(cancelling) - nothing + whole
    assert by_outcome == expected
    kept = Counter(
        (line.order, line.units - taken[line.place])
        for line in lines
        if not line.cancels and line.units > taken[line.place]
    )
    facts = read(lake, "select order_id, cast(quantity as int) from marts.fct_transactions")
    assert Counter(facts) == kept
    totals = read(
        lake, "select sum(line_total) - sum(quantity * unit_price) from marts.fct_transactions"
    )
    assert totals == [(0,)]


@pytest.mark.slow
def test_a_cancellation_that_arrives_later_changes_the_features_of_the_past(dbt, read) -> None:
    bought = [_line(1, "o1", "a", "2", 1), _line(1, "o2", "b", "1", 5)]
    purchases = "select max_by(user_purchases_90d, event_timestamp) from features.ftr_users where user_id = 'u'"

    def build(rows: list[dict]) -> list[tuple]:
        shop = RawShop(
            {"transactions": rows}, {"as_of": "2024-03-20"}, rules=STOPS, sources=DECLARED
        )
        lake = dbt.new_lake(shop)
        dbt.rebuild(lake)
        return read(lake, purchases)

    assert build(bought) == [(2,)]
    assert build([*bought, _line(1, "C1", "a", "-2", 9, _batch_id="2")]) == [(1,)]
