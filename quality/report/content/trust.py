"""Page 4: freshness, the user-item matrix, and what soft rules flagged."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from quality.report.content.account import Example
from quality.report.content.base import Content


class Freshness(Content):
    """How old the newest accepted record of a source is, by the shop's clock."""

    source: str
    entity: str
    newest: datetime | None
    days_behind: float | None
    last_load: datetime | None


class Activity(Content):
    """How many users or products have how many interactions."""

    of: Literal["users", "products"]
    total: int
    buckets: tuple[tuple[str, int], ...]


class Matrix(Content):
    """The user-item matrix: who interacted with what, impressions left out."""

    users: int
    products: int
    pairs: int
    filled: float
    activity: tuple[Activity, ...]


class Flag(Content):
    """Values that a soft rule marked; they were kept."""

    entity: str
    column: str | None
    code: str
    words: str
    count: int
    share: float | None
    then: int | None
    examples: tuple[Example, ...]


class Trust(Content):
    """Page 4."""

    freshness: tuple[Freshness, ...]
    matrix: Matrix | None
    flags: tuple[Flag, ...]
    notes: tuple[str, ...]
