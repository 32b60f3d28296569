"""The counts of a file while it is read: its broken lines, and the line equation.

lines = header + blank + continuation + rejected + records
"""

from __future__ import annotations

from dataclasses import dataclass, field

from recomart.errors import SourceError

TEXT_LIMIT = 4_000
"""Characters of a rejected line that raw.rejects keeps; the landed file has all of it."""

FEW, MANY = 10, 50_000
"""Up to FEW broken lines are no reason to doubt a file. With MANY, and more of them than records,
reading stops: they would only fill the memory."""


@dataclass(frozen=True)
class Reject:
    """A physical line that could not be read as a record. `line` counts from 1, `byte_offset` from 0."""

    line: int
    byte_offset: int
    reason: str
    text: str


@dataclass
class LineCounts:
    """The counts of one file. `lines` are counted independently of the others."""

    lines: int = 0
    header: int = 0
    blank: int = 0
    continuation: int = 0
    records: int = 0
    rejects: list[Reject] = field(default_factory=list)
    name: str = "the file"
    """What messages call it."""

    @property
    def rejected(self) -> int:
        return len(self.rejects)

    def reject(
        self, line: int, byte_offset: int, reason: str, raw: bytes, *, read: int = 0
    ) -> None:
        """Keep a broken line: its place, why, and its text (unreadable bytes as \\xNN).

        Args:
            read: records before it that `records` does not count yet.

        Raises:
            SourceError: it is one of many, and most lines so far are like it.
        """
        text = raw[: 4 * TEXT_LIMIT].decode("utf-8", "backslashreplace")
        text = text.rstrip("\r\n").replace("\0", "\\x00")[:TEXT_LIMIT]
        self.rejects.append(Reject(line, byte_offset, reason, text))
        if self.rejected > max(MANY, self.records + read):
            raise self._unreadable(self.name, self.records + read)

    def check_share(self, name: str) -> None:
        """Check that most lines can be read: otherwise the declaration is wrong, not the lines.

        Raises:
            SourceError: more than half (and more than a few) of the records, or all of them.
        """
        if self.rejected > max(FEW, self.records) or (self.rejected and not self.records):
            raise self._unreadable(name, self.records)

    def _unreadable(self, name: str, records: int) -> SourceError:
        first = self.rejects[0]
        return SourceError(
            f"{name}: {self.rejected:,} of {self.rejected + records:,} records cannot be read",
            code="unreadable-file",
            found=f"line {first.line}: {first.reason}: {first.text[:120]!r}",
            help="check delimiter, quote, encoding and format in the shop file",
        )

    def check_balance(self, name: str) -> None:
        """Check that every line is accounted for.

        Raises:
            SourceError: the line equation does not hold.
        """
        parts = self.header + self.blank + self.continuation + self.rejected + self.records
        if parts != self.lines:
            raise SourceError(
                f"{name} has {self.lines:,} lines, but {parts:,} are accounted for",
                code="lines-lost",
                found=f"header {self.header}, blank {self.blank}, continuation "
                f"{self.continuation}, rejected {self.rejected}, records {self.records}",
                help="nothing was loaded from it; please report this file",
            )
