"""Lists made from order lines, against a count in plain Python.

An entry of such a list is known by the lines that have it. Only accepted lines say what a product is
now: its attributes are those of the last accepted line that names it.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.oracles.raw_tables import RawShop

LISTED = ("product_id", "title", "price")
MADE_FROM_LINES = {"products": {"made_from": "transactions"}}
Place = tuple[str, int]


def _line(draw: Random) -> dict:
    return {
        "order_id": f"o{draw.randrange(12)}",
        "line_no": str(draw.randrange(2)),
        "user_id": draw.choice(["u1", "u2", "u3", None]),
        "product_id": draw.choice(["a", "b", "c", "d", "e", None]),
        "quantity": draw.choice(["1", "2", "2", "-5", "0", "two"]),
        "unit_price": draw.choice(["1", "2.5"]),
        "ordered_at": f"2024-03-0{draw.randrange(1, 4)}T10:00:00",
        # of the list alone
        "title": draw.choice(["bowl", "cup", "damaged", "lost", None]),
        "price": draw.choice(["1", "2.5", "0", "-1"]),
    }


def _entries(batches: dict[str, list[dict]]) -> tuple[list[dict], list[tuple]]:
    """What ingestion makes of the lines: each combination once a batch, and who has it."""
    rows, origins = [], []
    for batch, lines in batches.items():
        places: dict[tuple, list[int]] = {}
        for number, line in enumerate(lines, start=1):
            if line["product_id"] is not None:
                places.setdefault(tuple(line[c] for c in LISTED), []).append(number)
        for entry, numbers in sorted(places.items(), key=lambda found: max(found[1])):
            rows.append(
                dict(zip(LISTED, entry, strict=True), _batch_id=batch, _record=max(numbers))
            )
            origins += [("products", f"products-{batch}", max(numbers), n) for n in numbers]
    return rows, origins


@pytest.mark.slow
@settings(max_examples=2, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_a_product_is_what_its_last_accepted_line_says(dbt, read, seed: int) -> None:
    draw = Random(seed)
    batches = {batch: [_line(draw) for _ in range(40)] for batch in "123"}
    rows, origins = _entries(batches)
    lines = [dict(line, _batch_id=batch) for batch, of in batches.items() for line in of]
    rules = {"transactions": {"stop_above": 1}, "products": {"stop_above": 1}}
    shop = RawShop(
        {"transactions": lines, "products": rows},
        rules=rules,
        sources=MADE_FROM_LINES,
        list_origins=origins,
    )
    lake = dbt.new_lake(shop)
    status = dbt.run(lake, "build", "--select", "+dq_stops")
    assert status["dq_reconciles"] == "pass"

    def places(table: str) -> set[Place]:
        found = read(lake, f"select split_part(_batch_id, '-', 2), _record from {table}")
        return set(found)

    unused = places("intermediate.int_transactions__set_aside")
    bad_entries = places("quality.quarantine_products")
    assert unused
    assert bad_entries
    expected: dict[str, tuple] = {}
    seen: set[tuple[str, tuple]] = set()
    for batch, of in batches.items():
        for number, line in enumerate(of, start=1):
            entry = tuple(line[c] for c in LISTED)
            is_bad = float(line["price"]) < 0
            if line["product_id"] is None or (batch, number) in unused or is_bad:
                continue
            expected[line["product_id"]] = (line["title"], float(line["price"]))
            seen.add((batch, entry))
    found = read(lake, "select product_id, title, price from intermediate.int_products__accepted")
    assert {p: (title, float(price)) for p, title, price in found} == expected

    outcomes = read(
        lake,
        "select split_part(_batch_id, '-', 2), _record, outcome "
        "from intermediate.int_products__set_aside",
    )
    entry_at = {(row["_batch_id"], row["_record"]): tuple(row[c] for c in LISTED) for row in rows}
    anywhere = {entry for _, entry in seen}
    for batch, number, outcome in outcomes:
        entry = entry_at[batch, number]
        if outcome == "superseded":
            assert (batch, entry) in seen
        if outcome == "filtered":
            assert entry not in anywhere
    filtered = {entry_at[b, n] for b, n, outcome in outcomes if outcome == "filtered"}
    assert filtered == {e for e in entry_at.values() if float(e[2]) >= 0} - anywhere


def test_entries_whose_origins_nobody_wrote_down_count_as_before(dbt, read) -> None:
    line = {"order_id": "o", "line_no": "1", "user_id": "u", "product_id": "a", "quantity": "-1"}
    line |= {"ordered_at": "2024-03-01T10:00:00", "unit_price": "1"}
    entry = {"product_id": "a", "title": "bowl"}
    rules = {"transactions": {"stop_above": 1}}
    shop = RawShop(
        {"transactions": [line], "products": [entry]}, rules=rules, sources=MADE_FROM_LINES
    )
    lake = dbt.new_lake(shop)
    dbt.run(lake, "run", "--select", "+int_products__accepted")
    found = read(lake, "select title from intermediate.int_products__accepted")
    assert found == [("bowl",)]
