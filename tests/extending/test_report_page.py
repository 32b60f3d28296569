"""Adding a page to the report: one file, and nothing else changes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

import quality.report.pages as pages_package
from feature_store.ledger import BatchRecord
from ingestion import ledger
from quality.report import page as page_module
from quality.report import write_report
from recomart.errors import ExtensionError
from recomart.registry import Registry
from recomart.settings import Settings
from recomart.warehouse import warehouse
from tests.extending.checkout import PIECES

ADDED = PIECES / "report_page.py"
BUILT_IN = ["verdict", "account", "columns", "trust", "models", "appendix"]


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules count as modules of quality/report/pages/."""
    folder = tmp_path / "added"
    folder.mkdir()
    monkeypatch.setattr(pages_package, "__path__", [*pages_package.__path__, str(folder)])
    fresh = Registry(
        page_module.PAGES.what, page_module.PAGES.package, page_module.PAGES.attribute,
        page_module.Page,
    )  # fmt: skip
    monkeypatch.setattr(page_module, "PAGES", fresh)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith(f"{pages_package.__name__}."):
            del sys.modules[name]
            pages_package.__dict__.pop(name.rpartition(".")[2], None)


@pytest.fixture
def received(settings: Settings) -> Settings:
    """A lake with three products, and no build."""
    with warehouse(settings) as connection:
        ledger.create_tables(connection)
        connection.execute(
            "insert into raw.products (product_id, brand) values ('1', 'A'), ('2', 'A'), ('3', 'B')"
        )
    return settings


def test_a_page_is_one_file_and_is_in_pdf_and_json(pages: Path, received: Settings) -> None:
    shutil.copy(ADDED, pages / "suppliers.py")

    write_report(received, "run")

    folder = received.reports / "latest"
    content = json.loads((folder / "report.json").read_text())
    assert list(content) == ["format", "run", *BUILT_IN[:-1], "suppliers", "appendix"]
    assert content["suppliers"] == {"products": [["A", 2], ["B", 1]]}
    text = [page.extract_text() for page in PdfReader(folder / "report.pdf").pages]
    (sheet,) = [page for page in text if "Who supplies the products" in page]
    assert "A 2" in sheet.replace("\n", " ")
    assert any("Appendix" in page for page in text[text.index(sheet) :])


def test_a_report_with_a_page_is_compared_with_one_from_before_the_page(
    pages: Path, received: Settings
) -> None:
    write_report(received, "before")
    with warehouse(received) as connection:
        ledger.write_batches(connection, [BatchRecord("1", "files", "products", "a.csv")])
    shutil.copy(ADDED, pages / "suppliers.py")
    del page_module.PAGES._entries  # read the folder again

    write_report(received, "after")

    content = json.loads((received.reports / "latest" / "report.json").read_text())
    assert content["run"]["since_run"] == "before"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("def draw(", "def paint("), "PAGE is an incomplete page of the report: it has no draw"),
        (("PAGE = ", "OTHER = "), "the module assigns no PAGE, so it adds no page of the report"),
        (('name = "suppliers"', 'name = "trust"'), 'two modules register the page .* "trust"'),
    ],
)
def test_a_page_that_does_not_fit_is_an_error_that_names_the_file(
    pages: Path, received: Settings, change: tuple[str, str], message: str
) -> None:
    source = ADDED.read_text()
    assert change[0] in source
    (pages / "suppliers.py").write_text(source.replace(*change))

    with pytest.raises(ExtensionError, match=message) as caught:
        write_report(received, "run")

    places = f"{caught.value.where} {caught.value.found}"
    assert "suppliers.py" in places
    assert not (received.reports / "latest").exists()


def test_pages_that_ask_for_each_other_are_an_error(pages: Path, received: Settings) -> None:
    source = ADDED.read_text()
    asks = "inputs.content(PAGE)\n        rows = inputs"
    (pages / "suppliers.py").write_text(source.replace("rows = inputs", asks))

    with pytest.raises(ExtensionError, match="suppliers -> suppliers"):
        write_report(received, "run")


def test_the_pages_of_the_report_are_these_modules() -> None:
    assert [page.name for page in page_module.pages_in_order()] == BUILT_IN
