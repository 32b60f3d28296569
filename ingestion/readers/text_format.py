"""How the text of a file is written: encoding, delimiter, quote, header, and where its records are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ingestion.readers.csv_records import Dialect
from recomart.shop.sources import Source


@dataclass(frozen=True)
class TextFormat:
    """The keys of a source that the readers of text ask for, with a default for each.

    Args:
        fields: column names, for files without a header.
        skip_lines: how many of the first lines of a CSV come before its table.
        escape: the sign that takes the meaning from the sign after it; none without.
        items: path of the list of records in a JSON document; None when the document is the list.
        each: path in a JSON object to a nested list, whose elements are the records.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    fields: tuple[str, ...] = ()
    skip_lines: int | None = None
    escape: str | None = None
    items: str | None = None
    each: str | None = None

    @classmethod
    def of(cls, source: Source) -> TextFormat:
        """The keys as a source gives them; the default for each key that its kind does not have."""
        names = (one.name for one in dataclasses.fields(cls))
        return cls(**{name: getattr(source, name) for name in names if hasattr(source, name)})

    def dialect(self, width: int) -> Dialect:
        """The dialect of a CSV of `width` columns."""
        escape = (self.escape or "").encode()
        return Dialect(self.delimiter.encode(), self.quote.encode(), width, escape)
