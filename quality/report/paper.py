"""The PDF of a report: A4, in DejaVu, with tables that break over pages.

Text is drawn as it is and never interpreted: there is no markdown, no HTML and no placeholder for
page numbers. A character that the font lacks is drawn as a box.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from fpdf.enums import CellBordersLayout, XPos, YPos
from fpdf.fonts import FontFace
from fpdf.table import Row

from quality.report.page import pages_in_order
from quality.report.quoting import MISSING_GLYPH
from quality.report.report import Report

Colour = tuple[int, int, int]
Font = Literal["sans", "mono"]
INK, GREY, RULE, WHITE = (28, 32, 38), (105, 112, 120), (205, 209, 214), (255, 255, 255)
MARGIN, WIDTH = 15.0, 180.0
"""Of an A4 page: millimetres left and right, and between them."""
ABOVE, ASIDE, BELOW = 0.5, 1.5, 0.6
"""Millimetres of space above, to the right of and below the text of a table's cell."""
_LINE = 0.46
"""Millimetres of line height per point of size: leading of 1.3."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        width: millimetres.
        wrap: break a cell's text over lines; else it is cut to one line. Texts from data are never
            wrapped: a line of their own could be taken for the report's.
        keep_end: cut in the middle, because names of files differ at their end.
    """

    heading: str
    width: float
    align: Literal["L", "R"] = "L"
    wrap: bool = False
    font: Font = "sans"
    keep_end: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell that is not drawn like the others of its column.

    Args:
        image: a PNG in place of a text; it fills the cell.
        height: the least height of the row, in millimetres.
        size: points.
        width: millimetres; a cell that spans columns must give it, and is cut to one line.
        rule: a line below it.
    """

    text: str = ""
    image: io.BytesIO | None = None
    height: float = 0.0
    size: float | None = None
    style: Literal["", "B", "I"] = ""
    colour: Colour = INK
    font: Font | None = None
    keep_end: bool = False
    width: float | None = None
    rowspan: int = 1
    colspan: int = 1
    rule: bool = True


def write_pdf(report: Report, target: Path) -> int:
    """Draw a report's pages, and return how many sheets it has. Equal reports give equal bytes."""
    run = report.run
    paper = Paper(f"Data quality report · run {run.run_id} · {run.title}", run.written_at)
    paper.set_title(f"Data quality report, {run.title}")
    paper.set_creator("RecoMart")
    paper.set_lang("en")
    for page in pages_in_order():
        if page.name in report.pages:
            page.draw(paper, report)
    paper.output(str(target))
    return paper.page_no()


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

    def draw_table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str | Cell]],
        size: float = 8,
    ) -> None:
        """A table with a thin line below each row; its headings are repeated on every page.

        Args:
            rows: a cell for each column, except where a cell above or to the left spans it.
            size: of the text, in points.
        """
        self.pen(size)
        self.set_draw_color(*RULE)
        self.set_line_width(0.15)
        with self.table(
            align="LEFT",
            borders_layout="NONE",
            col_widths=[column.width for column in columns],
            headings_style=FontFace("sans", "BOLD", size, GREY),
            line_height=self.leading,
            padding=(ABOVE, ASIDE, BELOW, 0),
            text_align=tuple(column.align for column in columns),
            v_align="TOP",
            width=sum(column.width for column in columns),
        ) as table:
            headings = table.row(v_align="BOTTOM")
            for column in columns:
                headings.cell(column.heading, border=CellBordersLayout.BOTTOM)
            spanned: list[int] = []
            for row in rows:
                open_columns = [c for p, c in enumerate(columns) if p not in spanned]
                spanned = []
                drawn = table.row(min_height=_least_height(row) or None)
                for place, (column, cell) in enumerate(zip(open_columns, row, strict=False)):
                    cell = Cell(cell) if isinstance(cell, str) else cell
                    if cell.rowspan > 1:
                        spanned.append(place)
                    self._add_cell(drawn, column, cell, size)
        self.set_xy(MARGIN, self.get_y() + 1.5)

    def row_height(
        self, columns: Sequence[Column], row: Sequence[str | Cell], size: float = 8
    ) -> float:
        """Millimetres that a row of draw_table takes; it has a cell for each column."""
        self.pen(size)
        texts = [cell if isinstance(cell, str) else cell.text for cell in row]
        lines = [
            len(self.split(text, column.width - ASIDE)) if column.wrap else 1
            for column, text in zip(columns, texts, strict=True)
        ]
        return max(max(lines) * self.leading + ABOVE + BELOW, _least_height(row))

    def _add_cell(self, row: Row, column: Column, cell: Cell, size: float) -> None:
        size, font = cell.size or size, cell.font or column.font
        self.pen(size, cell.style, font=font)
        keep_end = column.keep_end or cell.keep_end
        width = cell.width or column.width
        row.cell(
            self.drawable(cell.text)
            if column.wrap and cell.width is None
            else self.fitted(cell.text, width - ASIDE - 0.2, keep_end),
            style=FontFace(
                family=font,
                emphasis={"B": "BOLD", "I": "ITALICS", "": None}[cell.style],
                size_pt=size,
                color=cell.colour,
            ),
            img=cell.image,
            rowspan=cell.rowspan,
            colspan=cell.colspan,
            border=CellBordersLayout.BOTTOM if cell.rule else CellBordersLayout.NONE,
        )

    def widths(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], size: float
    ) -> tuple[float, list[float]]:
        """A size of text, this or smaller, and widths of columns with which no cell is cut."""
        while True:
            self.pen(size)
            needed = [
                max(self.get_string_width(row[place]) for row in rows) + 1.9
                for place in range(len(headings))
            ]
            self.pen(size, "B")
            for place, heading in enumerate(headings):
                words = max(map(self.get_string_width, heading.split()), default=0.0)
                needed[place] = max(needed[place], words + 1.9)
            spare = WIDTH - sum(needed)
            if spare >= 0 or size <= 4:
                return size, [width + spare / len(needed) for width in needed]
            size -= 0.2


def _least_height(row: Sequence[str | Cell]) -> float:
    return max((cell.height for cell in row if isinstance(cell, Cell)), default=0.0)


def _fonts() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"
