"""What `where` takes of sampled records, what marks cancellations among them, and texts that nobody has."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ingestion import mapping
from ingestion.shop_file import ShopFile
from onboarding.times import calculator
from onboarding.values import Column
from recomart.errors import RecoMartError, SourceError
from recomart.shop.model import Source
from recomart.shop.places import nearest


def taken(source: Source, received: pa.Table) -> pa.Table:
    """Those of the sampled records that the filter takes."""
    if not source.where:
        return received
    places = {name: f"c{i}" for i, name in enumerate(received.column_names)}
    connection = calculator()
    connection.register("sampled", received.rename_columns(list(places.values())))
    condition = mapping.is_taken(source, places)
    kept = connection.execute(f"select * from sampled where {condition}").to_arrow_table()
    return kept.rename_columns(received.column_names)


def problems(
    shop: ShopFile, entity: str, source: Source, shown: str, received: pa.Table, *, whole: bool
) -> Iterator[RecoMartError]:
    """What is wrong with a filter, as far as sampled records show.

    Args:
        shown: what messages call the sample.
        whole: the sample is all that there is.
    """
    if not source.where or not received.num_rows:
        return
    none = taken(source, received).num_rows == 0
    for name, texts in source.where.items():
        column = Column(name, received.column(name))
        counted = column.counted
        found = ", ".join(f"{text} ({count:,})" for text, count in column.most[:8])
        absent = [text for text in texts.texts if text is not None and text not in counted]
        if not absent and not none:
            continue
        listed = ", ".join(f'"{text}"' for text in absent)
        what = f"no sampled record has {listed} in {name}"
        if none:
            what = f"where takes none of {received.num_rows:,} sampled records"
        elif not whole:
            continue
        yield SourceError(
            f"{shown}: {what}",
            code="where-takes-nothing",
            where=shop.where(f"{entity}.where.{name}"),
            found=found or f"no value of {name}",
            help=next((h for t in absent if (h := nearest(t, counted))), None)
            or "write the texts as they are in the source",
            severity="error" if none and whole else "warning",
        )


def cancellation_problems(
    shop: ShopFile, entity: str, source: Source, shown: str, received: pa.Table, marked: int
) -> Iterator[RecoMartError]:
    """A declaration of cancellations that finds none, or no order in the column that names it.

    Args:
        marked: how many of the sampled records are cancellations.
    """
    declared = source.cancellations
    if declared is None or not received.num_rows:
        return
    if not marked:
        yield SourceError(
            f"{shown}: cancellations mark none of {received.num_rows:,} sampled records",
            code="marks-nothing",
            where=shop.where(f"{entity}.cancellations"),
            help="see how a cancellation is written in the source: its quantity, order id or type",
            severity="warning",
        )
    elif declared.of_order and not Column("", received.column(declared.of_order)).filled:
        yield SourceError(
            f"{shown}: no sampled record names the order that it cancels",
            code="marks-nothing",
            where=shop.where(f"{entity}.cancellations.of_order"),
            found=f"no value of {declared.of_order}",
            help="name the column with the cancelled order's id, or leave of_order out",
            severity="warning",
        )
