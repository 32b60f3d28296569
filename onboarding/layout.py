"""What a shop file must say of a file's layout."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.left_out import Left

FEW_LINES = 300
"""The lines, or objects, of a file by which its layout is guessed."""


@dataclass(frozen=True)
class Layout:
    """What a FileSource must say of a file; `remarks` is what a person should know in addition."""

    format: str
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    escape: str = ""
    skip_lines: int = 0
    totals: Left | None = None
    items: str | None = None
    each: str | None = None

    @property
    def lists(self) -> tuple[tuple[str, str | None], ...]:
        """The keys of a source that say where in JSON its records lie."""
        return ("items", self.items), ("each", self.each)
