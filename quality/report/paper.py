"""The paper of a report: A4, in DejaVu, with the texts and headings on it.

Text is drawn as it is and never interpreted: there is no markdown, no HTML and no placeholder for
page numbers. A character that the font lacks is drawn as a box.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from quality.report.quoting import MISSING_GLYPH

Colour = tuple[int, int, int]
Font = Literal["sans", "mono"]
INK, GREY, RULE, WHITE = (28, 32, 38), (105, 112, 120), (205, 209, 214), (255, 255, 255)
MARGIN, WIDTH = 15.0, 180.0
"""Of an A4 page: millimetres left and right, and between them."""
_LINE = 0.46
"""Millimetres of line height per point of size: leading of 1.3."""


class Paper(FPDF):
    """The PDF of one report."""

    def __init__(self, heading: str, written_at: datetime) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self.heading = heading
        """The line at the top of each page except the first."""
        self.appendix: list[Callable[[Paper], None]] = []
        """Sections that pages had no room for; the appendix draws them."""
        self.alias_nb_pages(None)  # type: ignore[arg-type]  # None turns it off, as documented
        self.set_creation_date(written_at)
        self.set_margins(MARGIN, 16, MARGIN)
        self.set_auto_page_break(True, margin=17)
        self.c_margin = 0
        fonts = _fonts()
        for family, style, name in (
            ("sans", "", "DejaVuSans"),
            ("sans", "B", "DejaVuSans-Bold"),
            ("sans", "I", "DejaVuSans-Oblique"),
            ("mono", "", "DejaVuSansMono"),
        ):
            self.add_font(family, style, fonts / f"{name}.ttf")

    def header(self) -> None:
        if self.page_no() > 1:
            self.pen(7.5, colour=GREY)
            self.set_xy(MARGIN, 8)
            self.line_of(self.heading, WIDTH)
            self.set_y(16)

    def footer(self) -> None:
        self.pen(7.5, colour=GREY)
        self.set_xy(MARGIN, -11)
        self.line_of(f"page {self.page_no()}", WIDTH, align="R")

    def pen(
        self,
        size: float,
        style: Literal["", "B", "I"] = "",
        colour: Colour = INK,
        font: Font = "sans",
    ) -> None:
        """Choose font, size in points and colour for what follows."""
        self.set_font(font, style if font == "sans" else "", size)
        self.set_text_color(*colour)

    def to_appendix(self, draw: Callable[[Paper], None]) -> None:
        """Leave a section to the appendix, because there is no room for it here."""
        self.appendix.append(draw)

    @property
    def leading(self) -> float:
        """Height of a line of the current pen, in millimetres."""
        return self.font_size_pt * _LINE

    def drawable(self, text: str) -> str:
        """The text with a box for every character that the current font lacks."""
        known = self.current_font.cmap  # type: ignore[union-attr]  # all fonts here are TrueType
        return "".join(c if ord(c) in known or c == "\n" else MISSING_GLYPH for c in text)

    def fitted(self, text: str, width: float, keep_end: bool = False) -> str:
        """The text, cut with an ellipsis to one line of this width."""
        text = self.drawable(text.replace("\n", " "))
        if self.get_string_width(text) <= width:
            return text

        def cut(length: int) -> str:
            end = length * 2 // 3 if keep_end else 0
            return f"{text[: length - end].rstrip()}…{text[len(text) - end :]}"

        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.get_string_width(cut(middle)) <= width:
                low = middle
            else:
                high = middle - 1
        return cut(low)

    def line_of(
        self,
        text: str,
        width: float,
        align: Literal["L", "R", "C"] = "L",
        keep_end: bool = False,
    ) -> None:
        """One line at the current position, cut to the width; the next one follows below."""
        x = self.get_x()
        self.cell(
            width,
            self.leading,
            self.fitted(text, width - 0.2, keep_end),
            align=align,
            new_x=XPos.LEFT,
            new_y=YPos.NEXT,
        )
        self.set_x(x)

    def paragraph(self, text: str, width: float = WIDTH, space: float = 1.5) -> None:
        """Text over as many lines as it needs."""
        x = self.get_x()
        self.multi_cell(
            width,
            self.leading,
            self.drawable(text),
            align="L",
            padding=0,
            new_x=XPos.LEFT,
            new_y=YPos.NEXT,
        )
        self.set_xy(x, self.get_y() + space)

    def split(self, text: str, width: float) -> list[str]:
        """The lines of a paragraph of this width."""
        found = self.multi_cell(
            width, self.leading, self.drawable(text), align="L", dry_run=True, output="LINES"
        )
        return list(found)  # type: ignore[arg-type]  # a list of texts, for output="LINES"

    def note(self, text: str, space: float = 0.8) -> None:
        """A small grey paragraph."""
        self.pen(7.5, colour=GREY)
        self.paragraph(text, space=space)

    def headline(self, text: str, explained: str = "") -> None:
        """The heading of a page, and a line on how to read it."""
        self.pen(15, "B")
        self.line_of(text, WIDTH)
        if explained:
            self.pen(8.5, colour=GREY)
            self.paragraph(explained, space=2)

    def part(self, text: str, explained: str, height: float) -> None:
        """A part of the report: on a new page, unless all of its height is left on this one."""
        if self.room < height + 30:
            self.add_page()
        else:
            self.ln(7)
        self.headline(text, explained)

    def section(self, text: str, room: float = 25) -> None:
        """The heading of a section; on a new page when less than `room` millimetres are left."""
        self.keep(room)
        self.ln(2.5)
        self.pen(10.5, "B")
        self.line_of(text, WIDTH)
        self.ln(0.8)

    def keep(self, height: float) -> None:
        """Start a new page unless this height is left on the current one."""
        if self.room < height:
            self.add_page()

    @property
    def room(self) -> float:
        """Millimetres left on this page."""
        return float(self.page_break_trigger - self.get_y())

    def rule(self) -> None:
        """A thin line across the page."""
        self.set_draw_color(*RULE)
        self.set_line_width(0.15)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())


def _fonts() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"
