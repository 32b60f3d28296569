"""What a page of the report says, as a value: the model of its part of report.json."""

from __future__ import annotations

from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict


class Content(BaseModel):
    """Part of what a report says: a frozen value without unknown keys.

    Every text in it that came from data, files' names and error messages is already quoted
    (quality/report/quoting.py); the PDF adds nothing and interprets nothing. All times are UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


C = TypeVar("C", bound=Content)


class NamedContent(Protocol[C]):
    """What identifies a page and its content: all that a report needs to know of it."""

    name: str
    """The page's key in report.json."""
    content: type[C]
    """What the page says, as a model of `Content`."""
