"""Bad input: each error names file, line or key, what was found, and what to do."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest

from ingestion.ingest import ingest
from onboarding.suggestion import suggest_column

HEADER = "user,item,stars,time\n"
ROW = "u1,p1,5,2026-01-01T00:00:00Z\n"
COLUMNS = "columns: {user_id: user, product_id: item, rating: stars, rated_at: time}"

Rendered = Callable[..., str]


def test_a_renamed_column_is_named_with_the_nearest_match(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", "user,item,stars,times\n" + ROW)
    user_shop.declare(
        """
        ratings:
          files: "in/*.csv"
          columns:
            user_id: user
            product_id: item
            rating: stars
            rated_at: time
        """
    )
    shop_file = user_shop.folder / "own.yml"
    line = next(
        n for n, text in enumerate(shop_file.read_text().splitlines(), 1) if "rated_at" in text
    )
    by_values = partial(ingest, suggest=suggest_column)
    assert error_of(by_values, user_shop.settings).splitlines() == [
        'error[missing-column]: in/a.csv, line 1, has no column "time" for rated_at',
        f"  --> {shop_file}:{line}   ratings.columns.rated_at: 'time'",
        '  found: user, item, stars, times      did you mean "times"? '
        "(100% of it parses as ISO 8601; 2026-01-01 to 2026-01-01)",
        '  help: set rated_at: "times"',
    ]
    assert user_shop.query("select count(*) from raw.ratings") == [(0,)]


def test_an_extra_column_is_named(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", "user,item,stars,time,note\n")
    error = error_of(ingest, user_shop.settings)
    assert 'in/a.csv, line 1, has a column that is not declared: "note"' in error
    assert "ignore: [note]" in error


def test_a_column_that_is_there_twice_is_named(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", "user,item,stars,time,user\n")
    error = error_of(ingest, user_shop.settings)
    assert 'error[duplicate-column]: in/a.csv, line 1, has the column "user" 2 times' in error


def test_a_wrong_delimiter_is_guessed_from_the_header(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", (HEADER + ROW).replace(",", ";"))
    assert "check the delimiter" in error_of(ingest, user_shop.settings)


def test_a_wrong_width_without_a_header_loads_nothing(user_shop, error_of: Rendered) -> None:
    user_shop.declare(
        f"""
        ratings:
          files: "in/*.csv"
          header: false
          fields: [user, item, stars, time]
          {COLUMNS}
        """
    )
    user_shop.write("a.csv", "u1;p1;5;0\n" * 3)
    error = error_of(ingest, user_shop.settings)
    assert "in/a.csv: 3 of 3 records cannot be read" in error
    assert "line 1: 1 fields, expected 4: 'u1;p1;5;0'" in error
    assert user_shop.query("select status, records from raw._loads") == [("failed", None)]


def test_missing_files_are_named_with_what_is_there(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.tsv", HEADER)
    error = error_of(ingest, user_shop.settings)
    assert f"error[missing-files]: no file matches {user_shop.folder}/in/*.csv" in error
    assert "ratings.files" in error
    assert "a.tsv" in error


def test_an_empty_file_is_an_error(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", "")
    assert "error[empty-file]: a.csv is empty" in error_of(ingest, user_shop.settings)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", HEADER).chmod(0)
    assert "a.csv cannot be read" in error_of(ingest, user_shop.settings)


def test_undeclared_utf16_is_recognised(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", (HEADER + ROW).encode("utf-16"))
    error = error_of(ingest, user_shop.settings)
    assert "error[wrong-encoding]: a.csv is not UTF-8 but utf-16" in error
    assert "help: declare encoding: utf-16" in error


def test_undeclared_utf16_without_a_mark_is_no_text(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", (HEADER + ROW).encode("utf-16-le"))
    assert "NUL bytes" in error_of(ingest, user_shop.settings)


def test_a_binary_file_is_an_error(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)))
    assert "error[no-header]: a.csv does not begin with a header" in error_of(
        ingest, user_shop.settings
    )


def test_an_unknown_encoding_names_the_key(user_shop, error_of: Rendered) -> None:
    user_shop.declare(f"ratings:\n  files: 'in/*.csv'\n  encoding: utf8-latin\n  {COLUMNS}\n")
    user_shop.write("a.csv", HEADER)
    error = error_of(ingest, user_shop.settings)
    assert "Python has no text encoding 'utf8-latin'" in error
    assert "ratings.encoding: 'utf8-latin'" in error


@pytest.mark.parametrize("cut", [5, 40])
def test_a_torn_gzip_file_loads_nothing(user_shop, error_of: Rendered, cut: int) -> None:
    user_shop.declare(f"ratings:\n  files: 'in/*.gz'\n  {COLUMNS}\n")
    lines = "".join(f"u{i},p{i * 7919 % 1000},5,{i}\n" for i in range(5000))
    user_shop.write("a.csv.gz", gzip.compress((HEADER + lines).encode())[:-cut])
    assert "error[broken-gzip]: a.csv.gz is not a whole gzip file" in error_of(
        ingest, user_shop.settings
    )
    assert user_shop.query("select count(*) from raw.ratings") == [(0,)]


def test_a_file_that_is_no_gzip_is_an_error(user_shop, error_of: Rendered) -> None:
    user_shop.declare(f"ratings:\n  files: 'in/*.gz'\n  {COLUMNS}\n")
    user_shop.write("a.csv.gz", HEADER + ROW)
    assert "is not a whole gzip file" in error_of(ingest, user_shop.settings)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (",p1,5,2026-01-01\n" * 3, "in/a.csv: user_id is empty in every record"),
        ("u1,p1,5,881250949\n" * 10, "no value of rated_at is a time (iso)"),
        ("u1,p1,good,2026-01-01\n" * 10, "no value of rating is a number"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(
    user_shop, error_of: Rendered, lines: str, found: str
) -> None:
    user_shop.write("a.csv", HEADER + lines)
    assert found in error_of(ingest, user_shop.settings)
    assert user_shop.query("select count(*) from raw.ratings") == [(0,)]
    assert user_shop.query("select status from raw._loads") == [("failed",)]


EVENTS = """
events:
  files: "in/*.jsonl"
  format: jsonl
  strict: true
  columns: {event_id: id, event_type: type, user_id: user, occurred_at: at}
"""
EVENT = '{"id": "e1", "type": "view", "user": "u1", "at": "2026-01-01"}\n'


def test_where_strict_an_unknown_json_key_is_named_before_any_row_loads(
    user_shop, error_of: Rendered
) -> None:
    user_shop.declare(EVENTS)
    path = user_shop.write("e.jsonl", EVENT + EVENT.replace("}", ', "page": 3}'))
    error = error_of(ingest, user_shop.settings)
    assert 'in/e.jsonl, line 2, has a column that is not declared: "page"' in error
    [landed] = user_shop.landed()
    assert (user_shop.settings.lake / landed).read_bytes() == path.read_bytes()
    assert user_shop.query("select status, records from raw._loads") == [("failed", None)]
    assert user_shop.query("select count(*) from raw.events") == [(0,)]


def test_where_strict_an_unknown_json_key_far_down_refuses_the_batch(
    user_shop, error_of: Rendered
) -> None:
    user_shop.declare(EVENTS)
    user_shop.write("e.jsonl", EVENT * 1000 + EVENT.replace("}", ', "page": 3}'))
    assert "line 1001" in error_of(ingest, user_shop.settings)
    assert user_shop.query("select count(*) from raw.events") == [(0,)]


def test_a_json_key_that_no_record_has_is_missing(user_shop, error_of: Rendered) -> None:
    user_shop.declare(EVENTS)
    user_shop.write("e.jsonl", '{"id": "e1", "type": "view", "at": "2026-01-01"}\n')
    assert 'in/e.jsonl, has no column "user" for user_id' in error_of(ingest, user_shop.settings)


HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_held_warehouse_names_the_pid(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", HEADER + ROW)
    user_shop.settings.lake.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(user_shop.settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        error = error_of(ingest, user_shop.settings)
        holder.communicate()
    assert f"another process has the warehouse open, PID {holder.pid}" in error


LOCKER = """
import sys
from ingestion.ingest import only_ingest
from recomart.settings import load_settings
with only_ingest(load_settings()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_ingest_names_the_first(user_shop, error_of: Rendered) -> None:
    user_shop.write("a.csv", HEADER + ROW)
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **user_shop.settings.environment()},
    ) as first:
        assert first.stdout is not None
        first.stdout.readline()
        error = error_of(ingest, user_shop.settings)
        first.communicate()
    assert f"another ingest is at work on this lake, PID {first.pid}" in error
    assert ingest(user_shop.settings).result().count == 1
