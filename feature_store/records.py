"""JSON records of what was published: read and checked by pydantic, written byte for byte as ever.

A record is a frozen dataclass whose fields are the keys on disk or in Redis. Keys that it does not
know are left alone, so that an older version can read what a newer one wrote; fields with a default
may be missing, since older versions did not write them.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, PlainSerializer, TypeAdapter, ValidationError

R = TypeVar("R")

Instant = Annotated[
    datetime,
    AfterValidator(lambda instant: instant.astimezone(UTC)),
    # pydantic would write Z for +00:00, and records must not change
    PlainSerializer(datetime.isoformat, when_used="json"),
]
"""A time in UTC, as `2026-11-30T01:45:00.123456+00:00`."""


class DamagedRecord(ValueError):
    """A text is not the record that it should be; the message says what is wrong with it."""


class RecordFormat(Generic[R]):
    """Reads and writes records of one type.

    Args:
        cls: a dataclass of JSON values, `Instant`s and other such dataclasses.
    """

    def __init__(self, cls: type[R]) -> None:
        self._adapter: TypeAdapter[R] = TypeAdapter(cls)

    def read(self, text: str | bytes) -> R:
        """The record in a text.

        Raises:
            DamagedRecord: it is not JSON, a key is missing, or a value has another type.
        """
        try:
            return self._adapter.validate_json(text)
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            key = ".".join(map(str, first["loc"]))
            raise DamagedRecord(f"{key}: {first['msg']}" if key else first["msg"]) from exc

    def write(self, record: R, *, indent: int | None = None) -> str:
        """The text of a record."""
        content: Any = self._adapter.dump_python(record, mode="json")
        return json.dumps(content, indent=indent)


def number_or_nan(value: float | None) -> float:
    """JSON has no NaN: it is null there."""
    return math.nan if value is None else value


def null_if_nan(value: float) -> float | None:
    """The inverse of `number_or_nan`."""
    return None if math.isnan(value) else value
