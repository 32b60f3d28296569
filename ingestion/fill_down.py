"""Filling empty values from the records before, for exports that name an order on its first line."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion import missing
from recomart.shop.sources import Source


def filled(source: Source, places: Mapping[str, str], relation: str) -> str:
    """SQL of a relation in which the declared columns are filled; the relation itself without any.

    A missing value becomes the last one before it, in the order of _record, among the records that
    are equal in the columns of `within`. Where one of these is missing, nothing is filled.

    Args:
        places: the source's column -> the SQL identifier that holds it, null for an empty field.
    """
    fill = source.fill_down
    if fill is None:
        return relation
    words = missing.words_of(source)
    groups = [missing.without(places[name], words) for name in fill.within]
    known = " and ".join(f"{group} is not null" for group in groups)
    window = (
        f"partition by {', '.join(groups)} order by _record "
        "rows between unbounded preceding and current row"
    )
    columns = ", ".join(
        f"case when {known} "
        f"then last_value({missing.without(place, words)} ignore nulls) over ({window}) "
        f"else {place} end as {place}"
        for place in dict.fromkeys(places[name] for name in fill.columns)
    )
    return f"(select * replace ({columns}) from {relation})"
