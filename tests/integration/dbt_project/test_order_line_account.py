"""Filters, repeats and cancellations together: every line of a random export is accounted for once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ingestion.ingest import ingest
from tests.integration.ingestion.conftest import UserShop
from tests.oracles.cancelled_lines import Line, taken_back

SHOP = """
rules: {{transactions: {{stop_above: 1}}}}
transactions:
  files: "in/*.csv"
  where: {{status: [sold, back]}}
  cancellations: {{where: {{status: back}}, of_order: takes_back}}
  {repeats}
  columns:
    order_id: order
    line_no: {line_no}
    user_id: who
    product_id: what
    quantity: pieces
    ordered_at: day
"""
DECLARED = {
    "once": SHOP.format(repeats="repeats: once", line_no="what"),
    "add_up": SHOP.format(repeats="repeats: add_up", line_no="what"),
    "numbered": SHOP.format(repeats="ignore: []", line_no="{number_within: order}"),
}
NAMES = ("order", "who", "what", "pieces", "day", "status", "takes_back")
TERMS = ("records", "accepted", "quarantined", "filtered", "cancelled", "cancels_nothing")
Row = dict[str, str]


def _export(draw: Random, size: int) -> list[Row]:
    rows = []
    for _ in range(size):
        order = f"o{draw.randrange(8)}"
        row = {
            "order": order,
            "who": draw.choice(["u", "v"] * 6 + [""]),
            "what": draw.choice("abc"),
            "pieces": draw.choice("11123"),
            "day": f"2024-03-0{draw.randrange(1, 7)}",
            "status": draw.choice(["sold"] * 5 + ["back"] * 2 + ["void", ""]),
            "takes_back": draw.choice(["", "", order, "o1"]),
        }
        rows += [row] * draw.choice([1, 1, 1, 2])
    return rows


def _keyed(rows: list[Row], repeats: str) -> list[tuple[int, tuple, Row]]:
    """The lines that the filter takes, with their numbers and the keys that the shop gives them."""
    within, equal, found = Counter[str](), Counter[tuple](), []
    for number, row in enumerate(rows, start=1):
        within[row["order"]] += 1
        if row["status"] not in ("sold", "back"):
            continue
        cancels = row["status"] == "back"
        content = (
            *(row[name] for name in NAMES[:5]),
            cancels,
            row["takes_back"] if cancels else "",
        )
        # a mark is no part of what makes two records of a file equal copies: the mapped columns are
        equal[content[:5]] += 1
        line = {"once": row["what"], "add_up": (row["what"], equal[content[:5]])}.get(
            repeats, within[row["order"]]
        )
        key = (row["order"], line, cancels, row["day"] if cancels else "")
        found.append((number, key, row))
    return found


def _expected(files: list[list[Row]], repeats: str) -> tuple[Counter, Counter]:
    """The account over all files, and the pieces that count by order and product."""
    account, newest = Counter[str](), {}
    for n, rows in enumerate(files, start=1):
        account["records"] += len(rows)
        taken = _keyed(rows, repeats)
        account["filtered"] += len(rows) - len(taken)
        for number, key, row in taken:
            if not row["who"]:
                account["quarantined"] += 1
            else:
                newest[key] = ((f"{n:08}", number), row)
    lines = [
        Line(
            place, row["order"], row["who"], row["what"], row["day"], int(row["pieces"]),
            row["status"] == "back", (row["takes_back"] or None) if row["status"] == "back" else None,
        )
        for place, row in newest.values()
    ]  # fmt: skip
    back = taken_back(lines)
    facts = Counter[tuple[str, str]]()
    for line in lines:
        if line.cancels:
            account["cancelled"] += 1
            account["cancels_nothing"] += not back[line.place]
        elif back[line.place] == line.units:
            account["cancelled"] += 1
        else:
            account["accepted"] += 1
            facts[line.order, line.product] += line.units - back[line.place]
    return account, facts


@pytest.mark.slow
@pytest.mark.parametrize("repeats", DECLARED)
@settings(max_examples=2, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_every_line_is_used_or_left_out_for_one_reason(
    dbt, read, tmp_path_factory: pytest.TempPathFactory, repeats: str, seed: int
) -> None:
    draw = Random(seed)
    first = _export(draw, 40)
    files = [first, [*first[20:], *_export(draw, 20)]]  # the second overlaps the first
    shop = UserShop(Path(tmp_path_factory.mktemp("export")))
    shop.declare(DECLARED[repeats])
    for n, rows in enumerate(files, start=1):
        lines = [",".join(NAMES), *(",".join(row.values()) for row in rows)]
        shop.write(f"{n}.csv", "\n".join(lines) + "\n")
    ingest(shop.settings)
    lake = shop.settings.lake
    assert dbt.run(lake, "build", "--select", "+dq_stops")["dq_reconciles"] == "pass"
    account, facts = _expected(files, repeats)
    sums = ", ".join(f"sum({term})" for term in TERMS)
    [found] = read(lake, f"select {sums} from quality.dq_reconciliation")
    assert dict(zip(TERMS, found, strict=True)) == {term: account[term] for term in TERMS}
    pieces = "select order_id, product_id, sum(quantity) from marts.fct_transactions group by all"
    assert {(o, p): int(n) for o, p, n in read(lake, pieces)} == dict(facts)
