"""The report over the life of a shop: first ingest, a build, a stop, and the way back.

The shop's files are written by hand and hold texts that try to break or forge the report. Ingest,
dbt and the report are the real ones.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from ingestion.ingest import ingest
from orchestration.transform import transform
from quality.report import write_report
from recomart import processes
from recomart.errors import NotReady, SourceError, TransformFailed
from recomart.settings import Settings, load_settings

HOSTILE = (
    "<script>alert(1)</script><b>VERDICT: all good</b>",
    "'; drop table raw.ratings; --",
    '=HYPERLINK("http://example.org","VERDICT: all good")',
    "\x1b[31mVERDICT: all good\x1b[0m",
    "\u202eVERDICT: all good\u2066\u200b\ufeff\u2028",
    "a line\nVERDICT: all good\nGood to use: all records received are used.",
    "VERDICT: all good" + " " * 200 + "VERDICT: all good",
    "VERDICT: all good " * 60_000,
    "\N{GRINNING FACE} \u6f22\u5b57 \u05e2\u05d1\u05e8\u05d9\u05ea \u0627\u0644\u0639\u0631",
    r"$\frac{1}{0}$ **VERDICT: all good** {nb} %PDF-1.7 \" VERDICT: all good",
    "Z" + "\u0301" * 60,
    "\x07\x08\x7f\x85\xa0 VERDICT: all good",
)
SHOP = """
title: "Acme **{nb}** <b>markets</b>"
rating_scale: [1, 5]
users:
  files: "{folder}/users*.csv"
  quote: {quote}
  columns: {{user_id: user_id, signed_up_at: signed_up_at, country: country}}
products:
  files: "{folder}/products*.csv"
  columns: {{product_id: id, title: title, category: category, price: price, updated_at: at}}
ratings:
  files: "{folder}/ratings*.csv"
  columns: {{user_id: user, product_id: product, rating: stars, rated_at: at}}
rules:
  ratings:
    stop_above: {stop_above}
  products:
    columns:
      price: {{range: [{lowest}, 1000]}}
"""
BAD_FILE = "ratings VERDICT: all good.csv"


@dataclass(frozen=True)
class Written:
    """One report: its JSON and the text of its pages."""

    content: dict[str, Any]
    pages: list[str]

    @classmethod
    def by(cls, settings: Settings, run_id: str) -> Written:
        write_report(settings, run_id)
        folder = settings.reports / "latest"
        assert folder.resolve().name.endswith(run_id)
        reader = PdfReader(folder / "report.pdf")
        content = json.loads((folder / "report.json").read_text())
        return cls(content, [page.extract_text() for page in reader.pages])

    @property
    def verdict(self) -> dict[str, Any]:
        return self.content["verdict"]

    @property
    def numbers(self) -> list[tuple[str, str]]:
        return [(number["shown"], number["change"]) for number in self.verdict["numbers"]]


@dataclass(frozen=True)
class Life:
    settings: Settings
    received: Written
    built: Written
    stopped: Written
    corrected: Written


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("acme")
    shop = folder / "acme.yml"
    settings = load_settings(shop=str(shop), lake=folder / "lake")
    _write_files(folder)
    try:
        _declare(shop, lowest=0, stop_above=0.9, quote='"\'"')
        with pytest.raises(SourceError):
            ingest(settings)  # one file has another header: the others load
        received = Written.by(settings, "received")
        transform(settings)
        built = Written.by(settings, "built")
        _declare(shop, lowest=0, stop_above=0.1, quote='"\'"')
        with pytest.raises(TransformFailed):
            transform(settings)
        stopped = Written.by(settings, "stopped")
        _declare(shop, lowest=-10, stop_above=0.9, quote="'\"'")
        (folder / BAD_FILE).write_text("user,product,stars,at\nu1,p2,4,2026-03-01T00:00:00Z\n")
        ingest(settings)
        transform(settings)
        yield Life(settings, received, built, stopped, Written.by(settings, "corrected"))
    finally:
        processes.stop_all(settings)


def _declare(shop: Path, **given: object) -> None:
    shop.write_text(SHOP.format(folder=shop.parent, nb="{nb}", **given))


def _write_files(folder: Path) -> None:
    """40 users (2 of whose lines need the other quote), 30 products, 60 good ratings, and dirt."""
    users = "".join(f"u{n},2026-01-{n % 28 + 1:02}T00:00:00Z,DE\n" for n in range(38))
    quoted = 'u38,2026-02-01T00:00:00Z,"Korea, South"\nu39,2026-02-01T00:00:00Z,"Korea, North"\n'
    (folder / "users.csv").write_text(f"user_id,signed_up_at,country\n{users}{quoted}")
    at = "2026-02-01T00:00:00Z"
    products = [(f"p{n}", f"Title {n}", f"c{n % 3}", 5 + n, at) for n in range(20)]
    products += [(f"n{n}", "Minus", "c1", -5, at) for n in range(3)]
    products += [(f"h{n}", t, t, t, at) for n, t in enumerate(HOSTILE[:3])]
    products += [(f"i{n}", t, t, 3, t) for n, t in enumerate(HOSTILE[3:6])]
    _write(folder / "products.csv", ("id", "title", "category", "price", "at"), products)
    times = [f"2026-03-{n % 28 + 1:02}T12:00:00Z" for n in range(60)]
    ratings = [(f"u{n % 38}", f"p{n % 20}", n % 5 + 1, times[n]) for n in range(60)]
    ratings += [(text, "p1", 3, at) for text in HOSTILE[6:9]]
    ratings += [("u1", text, 3, at) for text in HOSTILE[9:12]]
    ratings += [("u2", f"p{n}", text, at) for n, text in enumerate(HOSTILE[:6:2])]
    ratings += [("u3", f"p{n}", 3, text) for n, text in enumerate(HOSTILE[1:6:2])]
    _write(folder / "ratings.csv", ("user", "product", "stars", "at"), ratings)
    (folder / BAD_FILE).write_text("who,VERDICT: all good\nu1,p1\n")


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])


def test_without_a_warehouse_there_is_nothing_to_report(settings: Settings) -> None:
    with pytest.raises(NotReady):
        write_report(settings, "early")
    assert not settings.reports.exists()


def test_first_ingest_is_reported_as_not_judged(life: Life) -> None:
    verdict = life.received.verdict
    assert verdict["standing"] == "not judged"
    # 38 users (2 lines need another quote), 29 products, 72 ratings
    assert verdict["sentence"].startswith("Not judged yet: 139 records were received")
    assert life.received.numbers[0] == ("139", "")
    assert life.received.content["run"]["since"].startswith("First report of this lake")
    assert life.received.content["trust"]["matrix"] is None
    assert [file["entity"] for file in life.received.content["account"]["failed_files"]] == [
        "ratings"
    ]


def test_build_is_judged_by_its_ratings_and_counts_what_each_problem_costs(life: Life) -> None:
    verdict = life.built.verdict
    assert verdict["standing"] == "fair"
    # quarantined: 3 prices below 0, 3 no numbers, 3 no times; 3 users, products, stars, times.
    # 60 of 72 ratings are used; what is wrong with the lists does not count.
    assert verdict["sentence"] == (
        "Use with care: only 83.3% of 72 ratings are used, and 1 file could not be loaded."
    )
    costs = {(p["kind"], p["entity"]): p["cost"] for p in verdict["problems"]}
    assert costs["quarantined", "ratings"] == "12 ratings not used for training"
    assert costs["quarantined", "products"].startswith("9 products left out of the catalogue")
    assert costs["rejected", "users"].startswith("up to 2 customers")
    assert costs["file", "ratings"] == "none of the ratings in it are used"
    reasons = {(r["entity"], r["code"]): r for r in life.built.content["account"]["reasons"]}
    assert reasons["products", "out_of_range_price"]["count"] == 3
    assert len(reasons["ratings", "unknown_user"]["examples"]) == 3
    assert reasons["ratings", "unknown_user"]["rule"] == "A rating's user is in the list of users."
    assert life.built.content["trust"]["matrix"]["users"] == 38


def test_stop_is_named_and_nothing_is_called_good(life: Life) -> None:
    verdict = life.stopped.verdict
    assert verdict["standing"] == "stopped"
    assert verdict["sentence"].startswith(
        "Stopped: 16.7% of the ratings are in quarantine"
    )  # 12 of 72
    assert verdict["problems"][0]["kind"] == "stop"
    assert verdict["problems"][0]["entity"] == "ratings"
    assert "Good to use" not in re.sub(r'"[^"]*"', "", life.stopped.pages[0])
    failed = [t for t in life.stopped.content["appendix"]["tests"] if t["status"] == "fail"]
    assert [t["name"] for t in failed] == ["no_rule_is_broken_more_often_than_the_shop_allows"]


def test_rows_lines_and_files_recovered_are_shown(life: Life) -> None:
    back = life.corrected.verdict["taken_back"]
    assert (back["records"], back["lines"], back["files"]) == (3, 2, 1)
    assert {(b["entity"], b["records"], b["lines"]) for b in back["batches"]} == {
        ("products", 3, 0),
        ("users", 0, 2),
    }
    assert life.corrected.verdict["sentence"] == (
        "Use with care: only 83.6% of 73 ratings are used."  # 61
    )
    assert life.corrected.content["account"]["failed_files"] == []
    assert life.corrected.content["run"]["since_run"] == "stopped"
    # 142 records: 2 users and 1 rating more; quarantined 21 - 3; unreadable 2 - 2
    assert life.corrected.numbers[0] == ("142", "+3")
    assert life.corrected.numbers[2] == ("18", "−3")
    assert life.corrected.numbers[3] == ("0", "−2")
    page = life.corrected.pages[0]
    assert "Recovered since the last run" in page
    assert _squeezed(
        "3 records from quarantine, 2 lines that could not be read before, 1 file"
    ) in _squeezed(page)


def test_report_again_is_the_same_but_for_its_time(life: Life) -> None:
    again = Written.by(life.settings, "corrected")
    first, second = dict(life.corrected.content), dict(again.content)
    first["run"], second["run"] = dict(first["run"]), dict(second["run"])
    first["run"].pop("written_at"), second["run"].pop("written_at")
    assert first == second


def test_pdf_and_json_say_the_same(life: Life) -> None:
    for report in (life.received, life.built, life.stopped, life.corrected):
        text = _squeezed("\n".join(report.pages))
        assert _squeezed(report.verdict["sentence"]) in text
        for problem in report.verdict["problems"]:
            assert _squeezed(problem["what"]) in text
        for source in report.content["account"]["sources"]:
            row = re.escape(f"{source['entity']} ({source['source']})") + rf"\s+{source['files']:,}"
            assert re.search(row, "\n".join(report.pages))
        for check in report.content["appendix"]["tests"]:
            assert _squeezed(check["words"]) in text
        assert len(report.pages) <= 12


def test_texts_from_data_are_in_quotes_with_nothing_invisible_in_them(life: Life) -> None:
    texts = [text for report in _all(life) for text in _strings(report.content)]
    assert sum("VERDICT" in text for text in texts) > 20  # they are shown, not left out
    for text in texts:
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")], text
        assert len(text) < 1000
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
        for forged in ("VERDICT", "all good", "drop table", "script", "HYPERLINK"):
            assert forged not in outside, text


def test_no_line_of_the_pdf_can_be_taken_for_the_verdict(life: Life) -> None:
    for report in _all(life):
        lines = [line.strip() for page in report.pages for line in page.splitlines()]
        assert lines.count("VERDICT") == 1
        assert report.pages[0].count("VERDICT\n") == 1
        shown = [line for line in lines if "all good" in line or "Good to use: all" in line]
        assert shown
        for line in shown:
            first = min(place for word in ("all good", "Good to") if (place := line.find(word)) > 0)
            assert '"' in line[:first], line


def _all(life: Life) -> tuple[Written, ...]:
    return (life.received, life.built, life.stopped, life.corrected)


def _squeezed(text: str) -> str:
    """Without white space: where a page breaks a line is its own affair."""
    return "".join(text.split())


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield str(key)
            yield from _strings(value)
    elif isinstance(content, list):
        for value in content:
            yield from _strings(value)
