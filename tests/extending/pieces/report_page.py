"""A page that somebody adds to the report: how many products each supplier sells."""

from __future__ import annotations

from quality.report.content import Content
from quality.report.inputs import Inputs
from quality.report.paper import Paper
from quality.report.paper_table import Column, draw_table
from quality.report.report import Report


class Suppliers(Content):
    """What the page says."""

    products: tuple[tuple[str, int], ...]


class SuppliersPage:
    """A page between trust and the appendix."""

    name = "suppliers"
    order = 50
    content = Suppliers

    def read(self, inputs: Inputs) -> Suppliers:
        """Count the products by brand."""
        rows = inputs.tables.rows(
            "select brand, count(*) as n from raw.products group by all order by brand",
            needs="raw.products",
        )
        return Suppliers(products=tuple((row["brand"], row["n"]) for row in rows))

    def draw(self, paper: Paper, report: Report) -> None:
        """A table with a row for each supplier."""
        rows = [(brand, f"{count:,}") for brand, count in report.of(self).products]
        paper.part("Who supplies the products", "By brand.", 60)
        draw_table(paper, [Column("Supplier", 60), Column("Products", 30, "R")], rows)


PAGE = SuppliersPage()
