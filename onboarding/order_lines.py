"""The key and the amounts of order lines, tested on the sampled records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from onboarding.names import concepts_of, is_line_number
from onboarding.tables import Table
from onboarding.times import calculator

ALWAYS = 0.999
"""From this share on, something counts as true of all rows: there may be a little dirt."""
MOSTLY = 0.9
MIN_ORDERS = 5
"""Orders of several lines that are needed to distinguish a total of the order from one of the line."""


@dataclass(frozen=True)
class LineKey:
    """A column that numbers the lines of an order.

    Args:
        once: the share of rows that no other row equals in order and column.
    """

    column: str
    once: float
    is_product: bool = False


def once(table: pa.Table, names: Sequence[str]) -> float:
    """The share of rows that no other row equals in these columns; 1.0 for no rows."""
    if not table.num_rows:
        return 1.0
    columns = pa.table({str(i): table.column(name) for i, name in enumerate(names)})
    counts = columns.group_by(list(columns.column_names)).aggregate([([], "count_all")])
    single = pc.sum(pc.cast(pc.equal(counts.column("count_all"), 1), pa.int64())).as_py() or 0
    return float(single) / table.num_rows


def one_each(table: pa.Table, key: str, name: str) -> float:
    """The share of a key's values that have a single value of another column; 0.0 for none."""
    columns = pa.table({"key": table.column(key), "value": table.column(name)}).drop_null()
    counts = columns.group_by("key").aggregate([("value", "count_distinct")])
    if not counts.num_rows:
        return 0.0
    single = pc.equal(counts.column("value_count_distinct"), 1)
    return float(pc.mean(pc.cast(single, pa.int64())).as_py())


def line_key(
    table: Table, order: Sequence[str], product: str, named: str | None, taken: Sequence[str]
) -> LineKey:
    """The column that distinguishes the lines of an order best; the product, if none does better.

    Args:
        order: the columns that identify an order.
        named: the column whose name says that it numbers lines.
        taken: columns that have another meaning.
    """
    by_product = LineKey(product, once(table.records, [*order, product]), is_product=True)
    for name in [named] if named else [*_numbered(table, taken), *_counting(table, order, taken)]:
        found = LineKey(name, once(table.records, [*order, name]))
        if found.once >= ALWAYS or found.once > by_product.once:
            return found
    return by_product


def _numbered(table: Table, taken: Sequence[str]) -> Iterator[str]:
    """Columns whose name says that they number the items of an order."""
    if table.layout.header:
        yield from (n for n in table.columns if n not in taken and is_line_number(concepts_of(n)))


def _counting(table: Table, order: Sequence[str], taken: Sequence[str]) -> Iterator[str]:
    """Columns that count 1, 2, 3 within each order."""
    for name, column in table.columns.items():
        if name in taken or name in order or column.numbers.integers < ALWAYS:
            continue
        row = _row(
            table, {"n": name, **_named(order)},
            f"""
            select avg((low = 1 and high = lines)::int), max(lines) from (
                select min(try_cast(n as double)) as low, max(try_cast(n as double)) as high,
                    count(*) as lines
                from sampled group by {", ".join(_named(order))}
            )
            """,
        )  # fmt: skip
        if (row[0] or 0) >= MOSTLY and (row[1] or 0) > 1:
            yield name


def on_first_lines(table: Table, order: str, names: Sequence[str]) -> tuple[str, ...]:
    """The columns that only the first line of an order has, where orders have several lines."""
    found = []
    for name in names:
        row = _row(
            table, {"value": name, "o0": order},
            """
            select count(*), avg((first and others = 0)::int) from (
                select bool_or(value is not null) filter (where place = 1) as first,
                    count(value) filter (where place > 1) as others, count(value) as filled
                from (
                    select *, row_number() over (partition by o0 order by line) as place
                    from (select *, row_number() over () as line from sampled where o0 is not null)
                )
                group by o0 having count(*) > 1
            ) where filled > 0
            """,
        )  # fmt: skip
        if row[0] >= MIN_ORDERS and (row[1] or 0) >= MOSTLY:
            found.append(name)
    return tuple(found)


@dataclass(frozen=True)
class Cancelling:
    """How lines that take a purchase back are written: the key of the shop file, and the share.

    Args:
        lines: how many sampled lines do.
    """

    key: str
    value: str | bool
    lines: int


def cancelling(
    table: Table, quantity: str | None, order: str | None, user: str | None
) -> Cancelling | None:
    """The sign of cancellations: a letter before the number of their order, or a quantity below 0.

    Lines of nobody do not cancel a purchase: they write goods off.
    """
    if quantity is None or user is None:
        return None
    negative, by_prefix, prefixed, prefix = _row(
        table, {"q": quantity, "o": order or quantity, "u": user},
        """
        with lines as (
            select coalesce(try_cast(q as double) < 0, false) as minus,
                regexp_extract(o, '^([A-Za-z]+)[0-9]+$', 1) as letters
            from sampled where u is not null and u <> ''
        ),
        chosen as (
            select coalesce(mode(letters), '') as prefix from lines where minus
        )
        select count(*) filter (where minus), count(*) filter (where minus and letters = prefix),
            count(*) filter (where letters = prefix), any_value(prefix)
        from lines cross join chosen
        """,
    )  # fmt: skip
    if not negative:
        return None
    if order and prefix and by_prefix >= MOSTLY * max(negative, prefixed):
        return Cancelling("order_prefix", prefix, prefixed)
    return Cancelling("negative_quantity", True, negative)


@dataclass(frozen=True)
class Total:
    """What a would-be total of a line is.

    Args:
        reason: what the sample shows.
        of_line: whether it can be the line's total.
        doubt: what a person must decide.
    """

    reason: str
    of_line: bool = True
    doubt: str | None = None


def total_of(
    table: Table, total: str, price: str | None, quantity: str | None, order: Sequence[str]
) -> Total | None:
    """What the sample shows of a column of totals; None where it shows nothing."""
    if price and quantity:
        names = {"total": total, "price": price, "quantity": quantity}
        rows, times, unit = _row(
            table, names,
            f"""
            select count(*), avg({_near("t", "p * q")}), avg({_near("t", "p")}) from (
                select {", ".join(f"{_number(n)} as {n[0]}" for n in names)} from sampled
            ) where t is not null and p is not null and q is not null and q <> 1
            """,
        )  # fmt: skip
        if rows and (times or 0) >= MOSTLY:
            return Total(f"{times:.0%} of it are {price} times {quantity}")
        if rows and (unit or 0) >= MOSTLY:
            return Total(f"it equals {price} whatever the {quantity}", of_line=False)
    orders, constant = _row(
        table, {"total": total, "price": price or total, **_named(order)},
        f"""
        select count(*), avg((totals <= 1)::int) from (
            select count(distinct total) as totals, count(distinct price) as prices
            from sampled group by {", ".join(_named(order))} having count(*) > 1
        ) where prices > 1 or {"true" if not price else "false"}
        """,
    )  # fmt: skip
    if orders >= MIN_ORDERS and (constant or 0) >= MOSTLY and order:
        return Total("it is the same for all lines of an order: the order's total", of_line=False)
    if price and quantity:
        why = f"only {times or 0:.0%} of it are {price} times {quantity}"
        return Total(why, doubt=f"{why}: see that it is the total of the line")
    return None


def _named(columns: Sequence[str]) -> dict[str, str]:
    return {f"o{i}": name for i, name in enumerate(columns)}


def _number(name: str) -> str:
    """SQL of a number, whichever sign is its decimal one."""
    text = f"regexp_replace({name}, '[^0-9,.-]', '', 'g')"
    pointed = f"replace(replace({text}, '.', ''), ',', '.')"
    comma = f"regexp_matches({text}, ',[0-9]{{1,2}}$')"
    return f"try_cast(case when {comma} then {pointed} else replace({text}, ',', '') end as double)"


def _near(one: str, other: str) -> str:
    return f"(abs({one} - ({other})) <= 0.011 + 0.001 * abs({one}))::int"


def _row(table: Table, names: Mapping[str, str], query: str) -> tuple:
    """The first row of a query on the sampled columns, renamed."""
    connection = calculator()
    columns = {short: table.records.column(name) for short, name in names.items()}
    connection.register("sampled", pa.table(columns))
    row = connection.execute(query).fetchone()
    assert row is not None, "an aggregate has a row"
    return row
