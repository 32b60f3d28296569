"""Files into the warehouse: what they become, what is left alone, and what a rerun does."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.ingest import ingest
from ingestion.landing import LandingZone
from ingestion.readers import text
from ingestion.sources.files import LocalFiles
from onboarding.check import check
from recomart.errors import ExtensionError, HeaderMismatch, SourceError
from recomart.settings import load_settings
from recomart.shop.model import ENTITIES
from tests.integration.ingestion.conftest import RATINGS

HEADER = "user,item,stars,time\n"
ROW = "u1,p1,5,2026-01-01T00:00:00Z\n"


def test_a_csv_becomes_rows_in_the_file_s_order(user_shop) -> None:
    user_shop.write("b.csv", "time,stars,user,item\n2026-01-02,4,u2,p2\n2026-01-03,,u3,p3\n")
    user_shop.write("a.csv", HEADER + ROW)
    summary = ingest(user_shop.settings)
    rows = user_shop.query(
        "select user_id, product_id, rating, rated_at, _batch_id, _source_file, _record "
        "from raw.ratings order by _batch_id, _record"
    )
    assert rows == [
        ("u1", "p1", "5", "2026-01-01T00:00:00Z", "00000001", "in/a.csv", 1),
        ("u2", "p2", "4", "2026-01-02", "00000002", "in/b.csv", 1),
        ("u3", "p3", None, "2026-01-03", "00000002", "in/b.csv", 2),
    ]
    assert summary.result().count == 3
    assert summary.result().detail == "2 batches"


def test_every_raw_table_is_there_even_when_empty(user_shop) -> None:
    user_shop.write("a.csv", HEADER)
    ingest(user_shop.settings)
    for entity, columns in ENTITIES.items():
        assert user_shop.query(f"select {', '.join(columns)} from raw.{entity}") == []
    ledger = user_shop.query("select lines, header, records, status from raw._loads")
    assert ledger == [(1, 1, 0, "loaded")]


def test_the_landed_bytes_are_those_received(user_shop) -> None:
    content = b"\xef\xbb\xbf" + (HEADER + ROW + "u2,broken\r\n").encode()
    user_shop.write("a.csv", content)
    ingest(user_shop.settings)
    [(landed, sha256, size)] = user_shop.query("select landed_file, sha256, bytes from raw._loads")
    assert (user_shop.settings.lake / landed).read_bytes() == content
    assert (sha256, size) == (hashlib.sha256(content).hexdigest(), len(content))
    folder, day, name = landed.rsplit("/", 2)
    assert (folder, name) == ("raw/files/ratings", "00000001.csv")
    assert day.startswith("ingest_date=20")


def test_lines_are_accounted_for_and_rejects_say_where(user_shop) -> None:
    user_shop.write("a.csv", f'{HEADER}{ROW}u2,p2\n\nu3,"p\n3",4,2026-01-01\nu4,"p4,1,2026\n{ROW}')
    ingest(user_shop.settings)
    [counts] = user_shop.query(
        "select lines, header, blank, continuation, rejected, records from raw._loads"
    )
    assert counts == (8, 1, 1, 1, 2, 3)
    rejects = user_shop.query(
        "select source_file, line, byte_offset, reason, text from raw.rejects"
    )
    assert rejects == [
        ("in/a.csv", 3, 50, "2 fields, expected 4", "u2,p2"),
        ("in/a.csv", 7, 79, "unclosed quote", 'u4,"p4,1,2026'),
    ]


def test_a_loaded_file_is_skipped_under_any_name(user_shop) -> None:
    path = user_shop.write("a.csv", HEADER + ROW)
    ingest(user_shop.settings)
    path.rename(path.with_name("renamed.csv"))
    user_shop.write("copy.csv", HEADER + ROW)
    summary = ingest(user_shop.settings)
    assert (summary.loaded, summary.unchanged) == ((), 2)
    assert user_shop.query("select count(*) from raw.ratings") == [(1,)]
    assert len(user_shop.landed()) == 1


def test_equal_files_in_one_run_are_one_batch(user_shop) -> None:
    user_shop.write("a.csv", HEADER + ROW)
    user_shop.write("b.csv", HEADER + ROW)
    assert len(ingest(user_shop.settings).loaded) == 1


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8"])
def test_declared_encodings_and_gzip_are_read(user_shop, encoding: str, name: str) -> None:
    user_shop.declare(
        f"""
        ratings:
          files: "in/*"
          encoding: {encoding}
          columns: {{user_id: user, product_id: item, rating: stars, rated_at: time}}
        """
    )
    content = (HEADER + "José,p1,5,2026-01-01\n").encode(encoding)
    user_shop.write(name, gzip.compress(content) if name.endswith("gz") else content)
    ingest(user_shop.settings)
    assert user_shop.query("select user_id from raw.ratings") == [("José",)]
    [(landed,)] = user_shop.query("select landed_file from raw._loads")
    assert landed.endswith("/00000001." + name.partition(".")[2])


def test_bytes_outside_a_declared_encoding_are_a_reject(user_shop) -> None:
    user_shop.write("a.csv", HEADER.encode() + b"Jos\xe9,p1,5,2026-01-01\n" + ROW.encode())
    ingest(user_shop.settings)
    assert user_shop.query("select line, reason, text from raw.rejects") == [
        (2, "bytes that are not in the declared encoding", "Jos\\xe9,p1,5,2026-01-01")
    ]


def test_json_lines_by_dotted_path(user_shop) -> None:
    user_shop.declare(
        """
        events:
          files: "in/*.jsonl"
          format: jsonl
          ignore: [debug]
          columns:
            event_id: {hash_of: [user.id, at]}
            event_type: {column: kind, values: {pv: view}}
            user_id: user.id
            occurred_at: at
        """
    )
    user_shop.write(
        "e.jsonl", '{"user": {"id": 7}, "kind": "pv", "at": 1.50, "debug": 1}\nrubbish\n'
    )
    ingest(user_shop.settings)
    key = hashlib.md5(b"7\x1f1.50").hexdigest()
    rows = user_shop.query("select event_id, event_type, user_id, occurred_at from raw.events")
    assert rows == [(key, "view", "7", "1.50")]
    assert user_shop.query("select line, text from raw.rejects") == [(2, "rubbish")]


HABITS = """
ratings:
  files: "in/*.csv"
  {keys}
  columns: {{user_id: user, product_id: item, rating: stars, rated_at: time}}
"""


@pytest.mark.parametrize(
    ("keys", "content", "account"),
    [
        ('ignore: [""]', "," + HEADER + "0," + ROW, [2, 1, 0, 0, 1]),
        ("ignore: [unnamed_5]", HEADER + ROW.replace("\n", ",\n"), [2, 1, 0, 0, 1]),
        ("skip_lines: 2", 'Ratings of "May\n\n' + HEADER + ROW, [4, 3, 0, 0, 1]),
        ("skip_lines: 0", "sep=;\r\n" + (HEADER + ROW).replace(",", ";"), [3, 2, 0, 0, 1]),
        ('escape: "\\\\"', HEADER + ROW.replace("u1", "u\\\n1"), [3, 1, 0, 1, 1]),
    ],
    ids=["index", "trailing", "titles", "separator", "escape"],
)
def test_habits_of_spreadsheets_and_databases_are_declared(
    user_shop, keys: str, content: str, account: list[int]
) -> None:
    user_shop.declare(HABITS.format(keys=keys))
    user_shop.write("a.csv", content)
    assert check(user_shop.settings) == []
    ingest(user_shop.settings)
    user = "u\n1" if "escape" in keys else "u1"
    assert user_shop.query("select user_id, product_id from raw.ratings") == [(user, "p1")]
    assert user_shop.query(
        "select lines, header, blank, continuation, records from raw._loads"
    ) == [tuple(account)]


def test_a_failed_file_blocks_no_other_and_is_taken_once_mended(user_shop) -> None:
    user_shop.write("a.csv", "user,item,starz,time\n" + ROW)
    user_shop.write("b.csv", HEADER + ROW)
    with pytest.raises(HeaderMismatch):
        ingest(user_shop.settings)
    states = user_shop.query("select source_file, status from raw._loads order by batch_id")
    assert states == [("in/a.csv", "failed"), ("in/b.csv", "loaded")]
    [(error,)] = user_shop.query("select error from raw._loads where status = 'failed'")
    assert 'did you mean "starz"?' in error
    user_shop.write("a.csv", HEADER + ROW.replace("u1", "u9"))
    ingest(user_shop.settings)
    users = user_shop.query("select user_id from raw.ratings order by 1")
    assert users == [("u1",), ("u9",)]


def test_all_failed_files_are_named_at_the_end(user_shop) -> None:
    for name in ("a.csv", "b.csv"):
        user_shop.write(name, "wrong,header\n")
    user_shop.write("c.csv", HEADER + ROW)
    with pytest.raises(SourceError, match=r"in/a\.csv, in/b\.csv") as caught:
        ingest(user_shop.settings)
    assert "2 sources could not be loaded, all others are" in str(caught.value)
    assert str(caught.value).endswith(
        "\n        or go on without them: 'recomart pipeline --from transform'"
    )
    assert user_shop.query("select count(*) from raw.ratings") == [(1,)]


def test_one_bad_file_among_small_ones_is_the_only_one_to_fail(user_shop) -> None:
    for number in range(5):
        user_shop.write(f"{number}.csv", HEADER + ROW.replace("u1", f"u{number}"))
    user_shop.write("3.csv", HEADER + "x;y\n")
    with pytest.raises(SourceError, match="1 of 1 records cannot be read"):
        ingest(user_shop.settings)
    assert user_shop.query("select count(*) from raw.ratings") == [(4,)]
    assert user_shop.query("select count(*) from raw._loads where status = 'loaded'") == [(4,)]
    assert user_shop.query("select count(*) from raw.rejects") == [(0,)]


def test_a_changed_mapping_reloads_from_the_landing_zone(user_shop) -> None:
    path = user_shop.write("a.csv", HEADER + "u1,p1,5,2026-01-01\n")
    ingest(user_shop.settings)
    path.unlink()
    user_shop.write("b.csv", HEADER + "u2,p2,5,2026-01-01\n")
    user_shop.declare(
        """
        ratings:
          files: "in/*.csv"
          columns:
            user_id: item
            product_id: user
            rating: stars
            rated_at: time
        """
    )
    summary = ingest(user_shop.settings)
    assert [load.batch_id for load in summary.reloaded] == ["00000001"]
    rows = user_shop.query("select user_id, product_id, _batch_id from raw.ratings order by 1")
    assert rows == [("p1", "u1", "00000001"), ("p2", "u2", "00000002")]
    assert user_shop.query("select count(*) from raw._loads") == [(2,)]
    assert ingest(user_shop.settings).reloaded == ()


def test_a_mapping_that_old_files_cannot_follow_is_an_error_and_mixes_nothing(user_shop) -> None:
    path = user_shop.write("a.csv", HEADER + ROW)
    ingest(user_shop.settings)
    path.unlink()
    user_shop.write("b.csv", "user,item,rating,time\n" + ROW)
    user_shop.declare(
        """
        ratings:
          files: "in/*.csv"
          columns: {user_id: user, product_id: item, rating: rating, rated_at: time}
        """
    )
    for _ in range(2):
        with pytest.raises(HeaderMismatch, match=r'in/a\.csv, line 1, has no column "rating"'):
            ingest(user_shop.settings)
    assert user_shop.query("select user_id from raw.ratings where _batch_id = '00000001'") == [
        ("u1",)
    ]


def test_raw_shop_says_what_staging_must_know(user_shop) -> None:
    user_shop.write("a.csv", HEADER + ROW)
    ingest(user_shop.settings)
    values = dict(user_shop.query("select key, value from raw._shop where entity = ''"))
    declared = (user_shop.settings.lake / "dbt_macros" / "shop_declared.sql").read_text()
    assert values.pop("declaration") in declared, "the fingerprint of what dbt reads"
    age = datetime.now(UTC) - datetime.fromisoformat(values.pop("judged_at"))
    assert timedelta() < age < timedelta(minutes=10)
    assert values == {
        "name": "own",
        "title": "Own shop",
        "as_of": "data_end",
        "rating_min": "1",
        "rating_max": "5",
        "relevant_rating": "3.4",
        "repeat_purchases": "false",
        "unknown_references": "quarantine",
        "amber_below": "0.95",
        "red_below": "0.8",
    }
    of_sources = "select * from raw._shop where key in ('declared', 'time_format') order by all"
    assert user_shop.query(of_sources) == [
        ("ratings", "declared", "true"),
        ("ratings", "time_format", "iso"),
    ]


def test_contracts_count_bad_values_and_let_the_rows_in(user_shop) -> None:
    user_shop.write("a.csv", HEADER + ROW * 8 + ",p1,good,yesterday\n" * 2)
    ingest(user_shop.settings)
    assert user_shop.query(
        "select check_name, column_name, failures, records from raw._contracts"
    ) == [
        ("not_null", "user_id", 2, 10),
        ("not_null", "product_id", 0, 10),
        ("not_null", "rated_at", 0, 10),
        ("is_time", "rated_at", 2, 10),
        ("is_number", "rating", 2, 10),
    ]
    assert user_shop.query("select count(*) from raw.ratings") == [(10,)]


@pytest.mark.parametrize(
    ("time_format", "good"),
    [("epoch_seconds", "881250949"), ("epoch_milliseconds", "1e12"), ("%d/%m/%Y", "31/12/2025")],
)
def test_contracts_read_the_declared_time_format(user_shop, time_format: str, good: str) -> None:
    user_shop.declare(
        f"""
        ratings:
          files: "in/*.csv"
          time_format: "{time_format}"
          columns: {{user_id: user, product_id: item, rating: stars, rated_at: time}}
        """
    )
    user_shop.write("a.csv", HEADER + f"u1,p1,5,{good}\nu1,p1,5,2026-13-45\n")
    ingest(user_shop.settings)
    checks = "select failures from raw._contracts where check_name = 'is_time'"
    assert user_shop.query(checks) == [(1,)]


def test_temporary_files_and_copies_of_an_interrupted_load_go(user_shop) -> None:
    user_shop.write("a.csv", HEADER + ROW)
    folder = user_shop.settings.raw / "files" / "ratings" / "ingest_date=2026-01-01"
    folder.mkdir(parents=True)
    (folder / ".00000001.csv.tmp").write_text("half")
    (folder / "00000001.csv").write_text(HEADER + ROW)
    (folder / "00000002.csv").write_text(HEADER + "its source is gone\n")
    ingest(user_shop.settings)
    ingest(user_shop.settings)
    assert [Path(name).name for name in user_shop.landed()] == ["00000002.csv", "00000003.csv"]


ODD_NAMES = (
    "r.tmp",
    "r.csv.tmp",
    "r",
    "r.DATA",
    "r.open",
    "r.json l",
    "00000009.x.tmp",
    "r.tmp.gz",
)


def test_no_name_of_a_source_file_gives_its_landed_file_a_name_that_is_removed(user_shop) -> None:
    user_shop.declare(RATINGS.replace("in/*.csv", "in/*"))
    for number, name in enumerate(ODD_NAMES):
        content = (HEADER + f"u{number},p1,5,2026-01-01\n").encode()
        user_shop.write(name, gzip.compress(content) if name.endswith(".gz") else content)
    ingest(user_shop.settings)
    user_shop.write("later.csv", HEADER + ROW)
    ingest(user_shop.settings)

    ledger = dict(user_shop.query("select landed_file, sha256 from raw._loads"))
    lake = user_shop.settings.lake
    assert len(ledger) == len(ODD_NAMES) + 1
    assert {
        name: hashlib.sha256((lake / name).read_bytes()).hexdigest() for name in ledger
    } == ledger
    assert {Path(name).name.partition(".")[2] for name in ledger} == {"csv", "csv.gz"}


def test_what_the_ledger_names_is_never_taken_for_a_leftover(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "files" / "ratings" / "ingest_date=2026-01-01"
    folder.mkdir(parents=True)
    names = (".1.csv.tmp", "00000001.tmp", ".2.csv.tmp", "00000002.csv", "00000003.tmp")
    for name in names:
        (folder / name).write_text("equal bytes")
    named = {(folder / name).relative_to(tmp_path).as_posix() for name in names[:2]}
    kept = {("ratings", hashlib.sha256(b"equal bytes").hexdigest())}

    zone = LandingZone(tmp_path / "raw", ["files"], named, kept)
    zone.discard(folder / "00000001.tmp")

    assert sorted(path.name for path in folder.iterdir()) == [".1.csv.tmp", "00000001.tmp"]


@pytest.mark.parametrize("ending", ["tmp/../../x", "", "csv.tmp", "CSV", "csv\n"])
def test_an_ending_that_no_landed_file_has_is_an_error_of_its_kind(
    tmp_path: Path, ending: str
) -> None:
    zone = LandingZone(tmp_path / "raw", [], frozenset(), frozenset())
    with pytest.raises(ExtensionError, match="a landed file cannot be called"):
        zone.land("sqlite", "users", f"00000001.{ending}", date(2026, 1, 1), [b"x"])
    assert not list(tmp_path.rglob("*"))


def test_a_file_that_changes_after_it_was_looked_at_is_judged_by_what_landed(
    user_shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """b.csv is new when the plan is made; when it lands, it has the bytes of a.csv."""
    path = user_shop.write("a.csv", HEADER + ROW)
    ingest(user_shop.settings)
    user_shop.write("b.csv", HEADER + ROW + ROW)
    real = LocalFiles.open
    monkeypatch.setattr(
        LocalFiles,
        "open",
        lambda kind, declared, found: real(kind, declared, replace(found, path=path)),
    )
    summary = ingest(user_shop.settings)
    assert (summary.loaded, summary.unchanged) == ((), 2)
    assert user_shop.query("select count(*) from raw.ratings") == [(1,)]
    assert len(user_shop.landed()) == 1


def test_an_error_about_a_header_points_to_the_source_file(user_shop) -> None:
    path = user_shop.write("a.csv", b"\x89PNG" + bytes(range(128, 256)))
    with pytest.raises(SourceError, match="does not begin with a header") as caught:
        ingest(user_shop.settings)
    assert caught.value.where == f"{path}:1"


def test_brackets_and_links_are_found_and_hidden_files_are_not(user_shop) -> None:
    """A glob matches what a shell's would, whatever the folders are called."""
    user_shop.declare(
        """
        ratings:
          files: "in/[[]new]/**/*.csv"
          columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
        """
    )
    target = user_shop.write("elsewhere.txt", HEADER + ROW)
    folder = user_shop.folder / "in" / "[new]"
    (folder / "day").mkdir(parents=True)
    (folder / "day" / "linked.csv").symlink_to(target)
    (folder / ".hidden.csv").write_text("rubbish")
    (folder / "broken.csv").symlink_to(folder / "nowhere")
    ingest(user_shop.settings)
    found = user_shop.query("select source_file from raw._loads")
    assert found == [("in/[new]/day/linked.csv",)]


@pytest.mark.realdata
def test_movielens_100k_loads_whole(tmp_path: Path, data_folder: Path) -> None:
    """943 users, 1,682 products, 100,000 ratings: as GroupLens publishes."""
    settings = load_settings(shop="movielens_100k", lake=tmp_path / "lake", data=data_folder)
    summary = ingest(settings)
    expected = {"users": 943, "products": 1682, "ratings": 100_000, "transactions": 0, "events": 0}
    assert summary.records == expected
    assert summary.rejected == 0
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        [first] = connection.execute(
            "select product_id, title, category from raw.products where _record = 1"
        ).fetchall()
        same = connection.execute(
            "select user_id, product_id, rating, rated_at from raw.ratings order by _record"
        ).fetchall()
    assert first == ("1", "Toy Story (1995)", "Animation")
    lines = (settings.data / "ml-100k" / "u.data").read_text().splitlines()
    assert same == [tuple(line.split("\t")) for line in lines]


def test_a_gzip_bomb_is_stopped(user_shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "GZIP_FREE_BYTES", 1 << 20)
    user_shop.declare(
        """
        ratings:
          files: "in/*.gz"
          columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
        """
    )
    user_shop.write("a.csv.gz", gzip.compress(HEADER.encode() + b"\n" * (64 << 20)))
    with pytest.raises(SourceError, match="expands to more than"):
        ingest(user_shop.settings)
