"""Point-in-time joins by DuckDB's ASOF: for each label the newest feature row at or before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import duckdb
import numpy as np
import pyarrow as pa

from recomart.sql import identifier, literal

LABELS = "labels"
ROW = "_row"
AT = "_at"

# One number orders rows by event time and then by created time: 64 bits for each. So one ASOF
# inequality finds the newest row, and among rows of one event time the one created last.
_EVENT_UNIT = "18446744073709551616::hugeint"
_CREATED_SHIFT = "9223372036854775808::hugeint"
_LATEST_CREATED = "18446744073709551615::hugeint"


@dataclass(frozen=True)
class ViewJoin:
    """One feature view as a side of the join.

    Args:
        path: its Parquet file, or a glob.
        keys: pairs of the view's key column and the label's.
        features: pairs of the view's column and its name in the result.
        event_timestamp: the column from which on a row is valid.
        created: the column that says when a row became known; None when it has none.
        ttl: how long a row is valid, inclusive; None or zero is forever.
    """

    path: str
    keys: tuple[tuple[str, str], ...]
    features: tuple[tuple[str, str], ...]
    event_timestamp: str
    created: str | None
    ttl: timedelta | None


def register_labels(
    connection: duckdb.DuckDBPyConnection,
    labels: pa.Table,
    key_columns: list[str],
    event_timestamp: str,
) -> None:
    """Make the labels' keys and times known to the connection as `labels`, with their row numbers.

    Times without a zone are UTC.
    """
    # DuckDB cannot count an Arrow table beforehand, takes it for a small one, and would join it with
    # each label's whole past: 6 s in place of 0.2 s for 60,000 labels.
    connection.execute("set asof_loop_join_threshold = 0")
    columns = labels.select([*key_columns, event_timestamp])
    connection.register("_labels", columns.append_column(ROW, pa.array(range(labels.num_rows))))
    keys = "".join(f", {identifier(key)}" for key in key_columns)
    connection.execute(
        f"""
        create or replace temp view {LABELS} as
        select {ROW}, epoch_us({identifier(event_timestamp)}) as {AT}{keys} from _labels
        """
    )


def join_view(
    connection: duckdb.DuckDBPyConnection, view: ViewJoin, *, as_known_then: bool = False
) -> pa.Table:
    """The view's features at each label, in the order of the labels; null where there are none.

    Args:
        connection: with the labels registered.
        as_known_then: leave out rows that were created after the label's own time.
    """
    joined = connection.execute(_query(view, as_known_then)).to_arrow_table()
    rows = joined[ROW].to_numpy()
    place = np.empty(len(rows), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    # in place of an `order by`, which would sort whole rows: 1.6 s against 1.9 s for a million labels
    return joined.drop_columns([ROW]).combine_chunks().take(pa.array(place))


def _query(view: ViewJoin, as_known_then: bool) -> str:
    on = " and ".join(f"l.{identifier(label)} = f.{identifier(key)}" for key, label in view.keys)
    micros = _micros(view.ttl)
    valid = f"l.{AT} <= f._event + {micros}" if micros else "true"
    late = view.created is not None and as_known_then
    outputs = []
    for column, name in view.features:
        value = f"f.{identifier(column)}"
        if late:
            value = f"case when {_late_wins('f', 'k')} then k.{identifier(column)} else {value} end"
            expires = f"l.{AT} <= if({_late_wins('f', 'k')}, k._event, f._event) + {micros}"
        else:
            expires = valid
        outputs.append(
            f"case when {expires if micros else 'true'} then {value} end as {identifier(name)}"
        )
    facts = "facts where _created <= _event" if late else "facts"
    join_late = f"left join known_late k on k.{ROW} = l.{ROW}" if late else ""
    return f"""
        with facts as ({_facts(view)})
        {_known_late(view, on) if late else ""}
        select {", ".join([f"l.{ROW}", *outputs])}
        from {LABELS} l
        asof left join (from {facts}) f on {on} and {_label_order(view)} >= f._order
        {join_late}
    """


def _facts(view: ViewJoin) -> str:
    names = dict.fromkeys([key for key, _ in view.keys] + [name for name, _ in view.features])
    columns = ", ".join(identifier(name) for name in names)
    event = f"epoch_us({identifier(view.event_timestamp)})"
    order, created = event, ""
    if view.created:
        known = f"epoch_us({identifier(view.created)})"
        order = f"{event} * {_EVENT_UNIT} + coalesce({known} + {_CREATED_SHIFT}, 0)"
        created = f", {known} as _created"
    return (
        f"select {columns}, {event} as _event, {order} as _order{created} "
        f"from read_parquet({literal(view.path)})"
    )


def _label_order(view: ViewJoin) -> str:
    at = f"l.{AT}"
    return f"{at} * {_EVENT_UNIT} + {_LATEST_CREATED}" if view.created else at


def _known_late(view: ViewJoin, on: str) -> str:
    """Rows created after their event time count only from then on: few, so a range join will do."""
    columns = ", ".join(
        f"f.{identifier(name)}" for name in dict.fromkeys(n for n, _ in view.features)
    )
    return f"""
        , known_late as (
            select l.{ROW}, f._event, f._order, {columns}
            from {LABELS} l
            join (from facts where _created > _event) f
                on {on} and f._event <= l.{AT} and f._created <= l.{AT}
            qualify row_number() over (partition by l.{ROW} order by f._order desc) = 1
        )
    """


def _late_wins(on_time: str, late: str) -> str:
    return f"coalesce({late}._order > {on_time}._order, {late}._order is not null)"


def _micros(ttl: timedelta | None) -> int:
    return ttl // timedelta(microseconds=1) if ttl else 0
