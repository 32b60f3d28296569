"""Drawing: nothing is cut that must be read, and every character can be drawn."""

from __future__ import annotations

import io
import warnings
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from quality.report.column_chart import column_chart
from quality.report.histograms import Histogram
from quality.report.pages.account import draw_terms
from quality.report.paper import Paper
from quality.report.paper_table import Cell, Column, draw_table
from quality.report.profiles import ColumnProfile
from quality.report.quoting import MISSING_GLYPH, quoted
from quality.report.source_account import SourceAccount


@pytest.fixture
def paper() -> Paper:
    drawn = Paper("Heading", datetime(2026, 3, 31, 9, 30, tzinfo=UTC))
    drawn.add_page()
    drawn.pen(8)
    return drawn


def _text(paper: Paper) -> str:
    return "\n".join(
        page.extract_text() for page in PdfReader(io.BytesIO(bytes(paper.output()))).pages
    )


@pytest.mark.parametrize("count", [0, 1_469_307, 98_765_432_109])
def test_no_number_of_the_account_is_cut(paper: Paper, count: int) -> None:
    names = [
        "lines",
        "header",
        "blank",
        "continuation",
        "rejected",
        "records",
        "accepted",
        "quarantined",
        "deduplicated",
        "superseded",
        "unjudged",
    ]
    terms = {name: count + place for place, name in enumerate(names)}
    source = SourceAccount(
        source="files", entity="transactions", files=12_345, failed_files=3, balances=True, **terms
    )
    draw_terms(paper, [source])
    text = _text(paper)
    assert "…" not in text
    assert all(f"{value:,}" in text for value in terms.values())
    assert "transactions (files)" in text
    assert "12,345 + 3 failed" in text


def test_characters_without_a_glyph_become_boxes(paper: Paper) -> None:
    for font in ("sans", "mono"):
        paper.pen(8, font=font)  # type: ignore[arg-type]
        assert paper.drawable("a\U0001f9ff\u6f22\u00e9") == f"a{MISSING_GLYPH}{MISSING_GLYPH}\u00e9"


def test_lines_are_cut_to_their_width(paper: Paper) -> None:
    name = "source_data/events/" + "long" * 40 + "/2026-03-31.jsonl"
    for keep_end in (False, True):
        cut = paper.fitted(name, 50, keep_end)
        assert paper.get_string_width(cut) <= 50
        assert cut.endswith("2026-03-31.jsonl") is keep_end
    assert paper.fitted("short", 50) == "short"


def test_table_repeats_its_headings_on_every_page(paper: Paper) -> None:
    rows = [(f"row {n}", "words " * 30) for n in range(80)]
    draw_table(paper, [Column("First", 40), Column("Second", 80, wrap=True)], rows)
    pages = PdfReader(io.BytesIO(bytes(paper.output()))).pages
    assert len(pages) > 2
    assert all("First" in page.extract_text() for page in pages)
    assert "row 79" in pages[-1].extract_text()


def test_a_text_that_is_not_wrapped_never_begins_a_line(paper: Paper) -> None:
    text = '"x" ' + "VERDICT: all good " * 20
    draw_table(paper, [Column("First", 40), Column("Second", 30)], [("row", text), ("row", "b")])
    lines = [line for line in _text(paper).splitlines() if "VERDICT" in line]
    assert len(lines) == 1
    assert lines[0].index('"x"') < lines[0].index("VERDICT")


def test_rows_that_a_cell_spans_stay_on_one_page(paper: Paper) -> None:
    rows: list[list[str | Cell]] = []
    for n in range(40):
        rows.append([Cell(f"no. {n}", rowspan=2), Cell(f"above {n}", rule=False)])
        rows.append([Cell(f"below {n}")])
    draw_table(paper, [Column("First", 40), Column("Second", 80)], rows)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(bytes(paper.output()))).pages]
    assert len(pages) > 1
    for n in range(40):
        (page,) = [page for page in pages if f"above {n}\n" in page]
        assert f"below {n}" in page


def test_equal_pages_give_equal_bytes() -> None:
    def drawn() -> bytes:
        paper = Paper("Heading", datetime(2026, 3, 31, 9, 30, tzinfo=UTC))
        paper.add_page()
        paper.pen(8)
        paper.line_of("a line", 50)
        return bytes(paper.output())

    assert drawn() == drawn()


def test_labels_of_a_chart_are_drawn_as_they_are() -> None:
    values = ("$^$", "$", "\u6f22\u5b57\U0001f9ff", "\u202e\x1b[31m", "%s {nb} **b**")
    labels = tuple(quoted(value) for value in values)
    histogram = Histogram(
        edges=(),
        labels=labels,
        counts=(5, 4, 3, 2, 1),
        is_scale=False,
        outside=0,
        sampled_from=None,
    )
    profile = ColumnProfile(
        entity="products",
        column="category",
        kind="category",
        rows=15,
        missing=0,
        unreadable=0,
        distinct=5,
        low=None,
        high=None,
        new_rows=0,
        new_missing=0,
        new_unreadable=0,
        histogram=histogram,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # of a glyph that is missing
        picture = column_chart(profile, profile, 55, 12)
    assert picture is not None
    assert picture.read(8) == b"\x89PNG\r\n\x1a\n"
