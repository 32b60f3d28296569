"""Tables on the paper of a report, which break over sheets and repeat their headings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fpdf.enums import CellBordersLayout
from fpdf.fonts import FontFace
from fpdf.table import Row

from quality.report.paper import GREY, INK, MARGIN, RULE, WIDTH, Colour, Font, Paper

ABOVE, ASIDE, BELOW = 0.5, 1.5, 0.6
"""Millimetres of space above, to the right of and below the text of a table's cell."""


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


def draw_table(
    paper: Paper,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell]],
    size: float = 8,
) -> None:
    """A table with a thin line below each row; its headings are repeated on every page.

    Args:
        rows: a cell for each column, except where a cell above or to the left spans it.
        size: of the text, in points.
    """
    paper.pen(size)
    paper.set_draw_color(*RULE)
    paper.set_line_width(0.15)
    with paper.table(
        align="LEFT",
        borders_layout="NONE",
        col_widths=[column.width for column in columns],
        headings_style=FontFace("sans", "BOLD", size, GREY),
        line_height=paper.leading,
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
                _add_cell(paper, drawn, column, cell, size)
    paper.set_xy(MARGIN, paper.get_y() + 1.5)


def row_height(
    paper: Paper, columns: Sequence[Column], row: Sequence[str | Cell], size: float = 8
) -> float:
    """Millimetres that a row of draw_table takes; it has a cell for each column."""
    paper.pen(size)
    texts = [cell if isinstance(cell, str) else cell.text for cell in row]
    lines = [
        len(paper.split(text, column.width - ASIDE)) if column.wrap else 1
        for column, text in zip(columns, texts, strict=True)
    ]
    return max(max(lines) * paper.leading + ABOVE + BELOW, _least_height(row))


def _add_cell(paper: Paper, row: Row, column: Column, cell: Cell, size: float) -> None:
    size, font = cell.size or size, cell.font or column.font
    paper.pen(size, cell.style, font=font)
    keep_end = column.keep_end or cell.keep_end
    width = cell.width or column.width
    row.cell(
        paper.drawable(cell.text)
        if column.wrap and cell.width is None
        else paper.fitted(cell.text, width - ASIDE - 0.2, keep_end),
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


def fitting_widths(
    paper: Paper, headings: Sequence[str], rows: Sequence[Sequence[str]], size: float
) -> tuple[float, list[float]]:
    """A size of text, this or smaller, and widths of columns with which no cell is cut."""
    while True:
        paper.pen(size)
        needed = [
            max(paper.get_string_width(row[place]) for row in rows) + 1.9
            for place in range(len(headings))
        ]
        paper.pen(size, "B")
        for place, heading in enumerate(headings):
            words = max(map(paper.get_string_width, heading.split()), default=0.0)
            needed[place] = max(needed[place], words + 1.9)
        spare = WIDTH - sum(needed)
        if spare >= 0 or size <= 4:
            return size, [width + spare / len(needed) for width in needed]
        size -= 0.2


def _least_height(row: Sequence[str | Cell]) -> float:
    return max((cell.height for cell in row if isinstance(cell, Cell)), default=0.0)
