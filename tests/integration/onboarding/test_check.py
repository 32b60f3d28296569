"""The check of a shop file: all problems at once, nothing loaded, each as a load would tell it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from ingestion.ingest import ingest
from onboarding import check
from onboarding.suggestion import suggest_column
from recomart.errors import RecoMartError, SourceError
from recomart.settings import load_settings

RATINGS = """\
title: Acme
ratings:
  files: ratings*.csv
  columns:
    user_id: user
    product_id: item
    rating: stars
    rated_at: ts
"""


class Acme:
    """A shop in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = load_settings(shop=str(folder / "acme.yml"), lake=folder / "lake")

    def declare(self, text: str) -> None:
        (self.folder / "acme.yml").write_text(textwrap.dedent(text))

    def rows(
        self, name: str = "ratings.csv", header: str = "user,item,stars,ts", row: str = ""
    ) -> None:
        row = row or "u{n},p{n},{star},2025-01-0{star}T10:00:00Z"
        lines = [row.format(n=n % 9, star=n % 5 + 1) for n in range(60)]
        (self.folder / name).write_text("\n".join([header, *lines]) + "\n")

    def problems(self) -> list[RecoMartError]:
        found = check(self.settings)
        assert not self.settings.lake.exists(), "a check leaves no lake behind"
        return found

    def codes(self) -> list[tuple[str, str]]:
        return [(problem.severity, problem.code) for problem in self.problems()]


@pytest.fixture
def acme(tmp_path: Path) -> Acme:
    shop = Acme(tmp_path)
    shop.declare(RATINGS)
    return shop


def test_a_sound_shop_has_no_problems(acme: Acme) -> None:
    acme.rows()
    assert acme.problems() == []


def test_a_missing_column_is_told_like_a_compilers_error_and_as_ingest_tells_it(
    acme: Acme,
) -> None:
    acme.rows(header="user,item,stars,when")
    (problem,) = acme.problems()
    assert problem.render().splitlines() == [
        'error[missing-column]: ratings.csv, line 1, has no column "ts" for rated_at',
        f"  --> {acme.folder}/acme.yml:8   ratings.columns.rated_at: 'ts'",
        '  found: user, item, stars, when      did you mean "when"? '
        "(100% of it parses as ISO 8601; 2025-01-01 to 2025-01-05)",
        '  help: set rated_at: "when"',
    ]
    with pytest.raises(SourceError) as caught:
        ingest(acme.settings, suggest=suggest_column)
    assert caught.value.render() == problem.render()


def test_all_problems_are_told_at_once(acme: Acme) -> None:
    acme.declare(
        RATINGS.replace("files: ratings*.csv", 'files: ["ratings*.csv", "more/*.csv"]')
        + """\
users:
  files: users.csv
  columns: {user_id: id, signed_up_at: since}
events:
  files: clicks.csv
  delimiter: ","
  time_format: epoch_seconds
  columns:
    event_id: {hash_of: [user, what, ts]}
    event_type: what
    user_id: user
    occurred_at: ts
"""
    )
    acme.rows(row="u{n},p{n},{star}1,0{star}.01.2025")
    acme.rows("ratings-2.csv", header="user,item,stars,ts,note", row="a,b,3,2025-01-01,x")
    acme.rows("users.csv", header="id,since", row="other{n},2025-01-0{star}")
    acme.rows("clicks.csv", header="user;what;ts", row="u{n};pv;17000000{star}0")
    assert sorted(acme.codes()) == sorted(
        [
            ("error", "missing-files"),  # more/*.csv
            ("error", "unknown-column"),  # note, in the second file
            ("error", "wrong-values"),  # German dates in ratings.csv
            ("error", "out-of-scale"),  # 11 to 51
            ("error", "unknown-references"),  # no user of ratings is in users.csv
            ("error", "missing-column"),  # clicks.csv has semicolons
        ]
    )
    text = "\n".join(problem.render() for problem in acme.problems())
    assert 'did you mean "%d.%m.%Y"? (100% of it parses as %d.%m.%Y' in text
    assert (
        'help: check the delimiter: with ";" the line would have 3 columns; then set delimiter: ";"'
        in text
    )


def test_the_same_problem_of_many_files_is_told_once_with_their_count(acme: Acme) -> None:
    for n in range(5):
        acme.rows(f"ratings-{n}.csv", header="user,item,stars,ts,note", row="a,b,3,2025-01-01,x")
    (problem,) = acme.problems()
    assert "(and 4 more files like it)" in problem.message


def test_a_glob_that_matches_nothing_names_the_nearest_file(acme: Acme) -> None:
    acme.declare(RATINGS.replace("ratings*.csv", "rating.csv"))
    acme.rows()
    (problem,) = acme.problems()
    assert problem.code == "missing-files"
    assert problem.found is not None
    assert problem.found.endswith('did you mean "ratings.csv"?')


def test_all_wrong_keys_of_the_file_are_told(acme: Acme) -> None:
    acme.declare(RATINGS.replace("title", "titel").replace("  files", "  delimeter: x\n  files"))
    helps = [problem.help for problem in acme.problems()]
    assert 'did you mean "title"?' in helps
    assert 'did you mean "delimiter"?' in helps


def test_event_types_that_are_not_ours_come_with_the_values_to_add(acme: Acme) -> None:
    acme.declare(
        """\
        title: Acme
        events:
          files: log.csv
          columns:
            event_id: {hash_of: [user, what, ts]}
            event_type: {column: what, values: {shown: impression}}
            user_id: user
            occurred_at: ts
        """
    )
    lines = [f"u{n % 7},{'pv' if n % 2 else 'shown'},2025-01-01" for n in range(50)]
    (acme.folder / "log.csv").write_text("\n".join(["user,what,ts", *lines]) + "\n")
    (problem,) = acme.problems()
    assert (problem.code, problem.found) == ("unknown-event-type", "pv (25)")
    assert problem.help == 'add to its values: {"pv": view}'


def test_json_lines_that_are_declared_as_csv_are_one_problem(acme: Acme) -> None:
    acme.rows(header='{"user": "u1", "item": "p1", "stars": 5, "ts": "2025-01-01"}', row="{{}}")
    (problem,) = acme.problems()
    assert (problem.code, problem.help) == ("wrong-format", "set format: jsonl")


def test_a_few_bad_values_and_lines_are_warnings(acme: Acme) -> None:
    acme.rows()
    with open(acme.folder / "ratings.csv", "a") as handle:
        handle.write("u1,p1,9,2025-01-01\nu1,p1\n")
    assert acme.codes() == [("warning", "broken-lines"), ("warning", "out-of-scale")]


def test_decimal_commas_are_known_and_their_key_is_named(acme: Acme) -> None:
    acme.declare(RATINGS.replace("  columns", '  delimiter: ";"\n  columns'))
    acme.rows(header="user;item;stars;ts", row="u{n};p{n};{star},5;2025-01-01")
    (problem,) = acme.problems()
    assert problem.help == 'set ratings.decimal: ","'


def test_commas_between_thousands_are_known_and_their_key_mends_them(acme: Acme) -> None:
    orders = """\
        title: Acme
        transactions:
          files: orders.csv
          delimiter: ";"
          columns: {order_id: no, line_no: pos, user_id: user, product_id: item, unit_price: each,
                    ordered_at: at}
        """
    acme.declare(orders)
    acme.rows("orders.csv", "no;pos;user;item;each;at", "o{n};{star};u;p;1,{star}99.50;2025-01-01")
    (problem,) = acme.problems()
    assert problem.help == 'set transactions.decimal: "."'
    acme.declare(orders.replace("delimiter", 'decimal: "."\n          delimiter'))
    assert acme.problems() == []


def test_ids_that_lost_their_leading_zeros_are_told_with_a_list_and_without(acme: Acme) -> None:
    events = """\
events:
  files: clicks.csv
  columns:
    event_id: {hash_of: [user, item, at]}
    event_type: {value: view}
    user_id: user
    product_id: item
    occurred_at: at
"""
    acme.declare(RATINGS + events)
    acme.rows(row="{n},p{n},{star},2025-01-01")
    acme.rows("clicks.csv", header="user,item,at", row="000{n},p{n},2025-01-01")
    (problem,) = acme.problems()
    assert (problem.severity, problem.code) == ("error", "lost-zeros")
    assert (
        "88.9% of the sampled user_ids are in clicks.csv with zeros before them" in problem.message
    )
    acme.declare(RATINGS + "users: {files: users.csv, columns: {user_id: id}}\n")
    acme.rows("users.csv", header="id", row="0{n}")
    (problem,) = acme.problems()
    assert problem.code == "unknown-references"
    assert "lost its leading zeros" in (problem.help or "")


def test_a_wrong_encoding_is_an_error_and_not_a_crash(acme: Acme) -> None:
    acme.rows()
    text = (acme.folder / "ratings.csv").read_text()
    (acme.folder / "ratings.csv").write_text(text, "utf-16")
    (problem,) = acme.problems()
    assert problem.code == "wrong-encoding"
    acme.declare(RATINGS.replace("  columns", "  encoding: klingon\n  columns"))
    (problem,) = acme.problems()
    assert "Python has no text encoding" in problem.message


def test_a_catalogue_is_asked_once_and_its_key_must_be_set(
    acme: Acme, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.rows()
    api = f"""\
products:
  api: {httpserver.url_for("/products")}
  api_key: {{env: ACME_KEY}}
  columns: {{product_id: id, price: cost}}
"""
    acme.declare(RATINGS + api)
    monkeypatch.delenv("ACME_KEY", raising=False)
    assert acme.codes() == [("error", "missing-api-key")]
    monkeypatch.setenv("ACME_KEY", "k")
    httpserver.expect_request("/products").respond_with_data("down", status=503)
    assert acme.codes() == [("error", "catalogue-down")]
    assert len(httpserver.log) == 1
    httpserver.clear()
    items = [{"id": f"p{n}", "price": "1"} for n in range(9)]
    httpserver.expect_request("/products").respond_with_json({"items": items, "total": 9})
    (problem,) = acme.problems()
    assert 'has no column "cost" for price' in problem.message


def test_a_mock_catalogue_that_does_not_run_is_left_alone(acme: Acme) -> None:
    acme.rows()
    acme.declare(RATINGS + 'products: {api: "{mock_api}/p", columns: {product_id: id}}\n')
    assert acme.problems() == []


def test_a_large_file_is_sampled(acme: Acme) -> None:
    acme.rows()
    with open(acme.folder / "ratings.csv", "r+b") as handle:
        handle.seek(20 << 30)  # sparse: 20 GB that take no room, and would take minutes to read
        handle.write(b"\nu1,p1,9,2025-01-01T00:00:00Z\n")
    assert acme.codes() == [("warning", "out-of-scale")]


ORDERS = """\
title: Acme
opened_at: 2025-01-01
transactions:
  files: orders.csv
  time_format: "%m/%d/%Y"
  columns:
    {order_id: no, line_no: line, user_id: user, product_id: sku, quantity: n, unit_price: each,
     ordered_at: day}
rules:
  transactions:
    columns:
      unit_price: {range: [1, 50]}
"""


def order_lines(acme: Acme, *bad: str) -> None:
    """Forty good lines of orders, and bad ones after them."""
    good = [f"o{n},1,u{n % 9},s{n % 7},1,9.5,1/{n % 28 + 1}/2025" for n in range(40)]
    lines = ["no,line,user,sku,n,each,day", *good, *bad]
    (acme.folder / "orders.csv").write_text("\n".join(lines) + "\n")


def test_what_goes_to_quarantine_is_told_by_rule_with_its_share_and_the_bad_values(
    acme: Acme,
) -> None:
    acme.declare(ORDERS)
    order_lines(
        acme,
        "p1,1,,s1,1,9.5,1/2/2025",
        "p2,1,,s1,0,9.5,1/2/2025",
        "p3,1,u1,s1,free,99,1/2/2025",
        "p4,1,u1,s1,1,99,1/2/2024",
        "p5,1,u1,s1,1,0.5,1/2/2999",
    )
    found = {problem.code: problem for problem in acme.problems()}
    told = {code: (problem.message, problem.found) for code, problem in found.items()}
    assert told == {
        "missing-values": (
            "orders.csv: user_id is empty in 2 of 45 sampled records (4.4%), which go to quarantine",
            None,
        ),
        "wrong-values": ("orders.csv: only 97.8% of the values of quantity are a number", "'free'"),
        "out-of-range-quantity": (
            "orders.csv: 1 of 45 sampled records (2.2%) go to quarantine for their quantity", "'0'"
        ),
        "out-of-range-unit-price": (
            "orders.csv: 3 of 45 sampled records (6.7%) go to quarantine for their unit_price",
            "'99' (2), '0.5'",
        ),
        "before-opening-ordered-at": (
            "orders.csv: 1 of 45 sampled records (2.2%) go to quarantine for their ordered_at",
            "'1/2/2024'",
        ),
        "future-ordered-at": (
            "orders.csv: 1 of 45 sampled records (2.2%) go to quarantine for their ordered_at",
            "'1/2/2999'",
        ),
    }  # fmt: skip
    assert {problem.severity for problem in found.values()} == {"warning"}


def test_a_year_of_two_digits_in_a_format_of_four_is_an_error_with_the_right_format(
    acme: Acme,
) -> None:
    acme.declare(ORDERS)
    order_lines(acme)
    text = (acme.folder / "orders.csv").read_text()
    (acme.folder / "orders.csv").write_text(text.replace("/2025", "/25"))
    (problem,) = acme.problems()
    assert problem.severity == "error"
    assert 'did you mean "%m/%d/%y"? (100% of it parses' in (problem.found or "")


def test_words_for_no_value_are_told_with_their_count(acme: Acme) -> None:
    acme.declare(ORDERS)
    order_lines(acme, "p1,1,NULL,s1,1,9.5,1/2/2025", "p2,1,?,s1,1,9.5,1/2/2025")
    found = {problem.code: problem for problem in acme.problems()}
    assert "user_id is empty in 1 of 42 sampled records" in found["missing-values"].message
    assert "user_id is a word for no value in 1 of 42 sampled records" in (
        found["word-for-no-value"].message
    )
    assert found["word-for-no-value"].found == "? (1)"
    assert found["word-for-no-value"].severity == "warning"


def test_ids_that_differ_in_case_or_spaces_alone_are_told(acme: Acme) -> None:
    acme.declare(ORDERS)
    order_lines(acme, "p1,1,U1,s1,1,9.5,1/2/2025", "p2,1,u2 ,s1,1,9.5,1/2/2025")
    told = {(problem.code, problem.found) for problem in acme.problems()}
    assert told == {("ids-alike", "'U1' and 'u1'"), ("ids-alike", "'u2' and 'u2 '")}


def test_a_header_that_is_read_as_a_record_is_told(acme: Acme) -> None:
    fields = "  header: false\n  fields: [user, item, stars, ts]\n  columns"
    acme.declare(RATINGS.replace("  columns", fields))
    acme.rows(header="user_id,product_id,rating,rated_at")
    (header, *rest) = [p for p in acme.problems() if p.code == "header-as-record"]
    assert not rest
    assert header.found == "user_id, product_id, rating, rated_at"


def test_the_bad_values_of_a_file_in_the_middle_are_seen(acme: Acme) -> None:
    for month in range(9):
        acme.rows(f"ratings-{month}.csv")
    acme.rows("ratings-5.csv", row="u{n},p{n},{star}0,2025-01-0{star}")
    assert acme.codes() == [("error", "out-of-scale")]


FILTERED = RATINGS + "  where: {{lane: {}}}\n"


def _lanes(acme: Acme) -> None:
    acme.rows(header="user,item,stars,ts,lane", row="u{n},p{n},{star},2025-01-0{star},lane {star}")


def test_only_what_the_filter_takes_is_judged(acme: Acme) -> None:
    row = "u{n},p{n},{star}0,2025-01-0{star}T10:00:00Z,lane {star}"
    acme.rows(header="user,item,stars,ts,lane", row=row)
    acme.declare("rating_scale: [1, 10]\n" + FILTERED.format("{not: null}"))
    assert acme.codes() == [("error", "out-of-scale")]
    acme.declare("rating_scale: [1, 10]\n" + FILTERED.format("lane 1"))
    assert acme.codes() == []


def test_a_filter_that_takes_nothing_is_an_error_that_shows_the_values(acme: Acme) -> None:
    _lanes(acme)
    acme.declare(FILTERED.format("Lane 5"))
    [problem] = acme.problems()
    assert (problem.severity, problem.code) == ("error", "where-takes-nothing")
    assert "where takes none of 60 sampled records" in problem.message
    assert problem.found is not None
    assert "lane 1 (12)" in problem.found
    assert problem.help == 'did you mean "lane 5"?'


def test_a_text_of_the_filter_that_no_record_has_is_a_warning(acme: Acme) -> None:
    _lanes(acme)
    acme.declare(FILTERED.format("{not: [lane 1, lame 2]}"))
    [problem] = acme.problems()
    assert (problem.severity, problem.code) == ("warning", "where-takes-nothing")
    assert 'no sampled record has "lame 2" in lane' in problem.message


RETURNS = """\
title: Acme
transactions:
  files: lines.csv
  cancellations: {CANCELLATIONS}
  columns: {order_id: order, line_no: item, user_id: user, product_id: item, quantity: n,
            ordered_at: ts}
  ignore: [origin]
"""


def test_returns_are_no_bad_quantities_and_what_marks_nothing_is_named(acme: Acme) -> None:
    header, row = "order,item,user,n,ts,origin", "o{n},p{n},u{n},{star},2025-01-0{star},"
    acme.rows("lines.csv", header=header, row=row.replace(",{star},", ",-{star},"))
    acme.declare(RETURNS.replace("CANCELLATIONS", "order_prefix: C"))
    codes = acme.codes()
    assert ("warning", "marks-nothing") in codes
    assert ("error", "out-of-range-quantity") in codes
    acme.declare(RETURNS.replace("CANCELLATIONS", "negative_quantity: true"))
    assert acme.codes() == []
    acme.declare(RETURNS.replace("CANCELLATIONS", "negative_quantity: true, of_order: origin"))
    [problem] = acme.problems()
    assert problem.message.endswith("no sampled record names the order that it cancels")
