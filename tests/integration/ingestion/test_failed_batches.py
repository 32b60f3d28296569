"""Files that failed: their bytes are kept, and a mended file or declaration takes them in, once."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ingestion.ingest import ingest
from recomart.errors import SourceError

HEADER = "user,item,stars,time\n"
ROW = "u1,p1,5,2026-01-01T00:00:00Z\n"
GOOD = HEADER + ROW
RENAMED = GOOD.replace("stars", "starz")
UNREADABLE = HEADER + "x;y\n"


def declare(shop: Any, *keys: str, rating: str = "stars") -> None:
    """Ratings with more keys, or from another column."""
    columns = f'{{user_id: user, product_id: item, rating: "{rating}", rated_at: time}}'
    lines = ["ratings:", '  files: "in/*"', f"  columns: {columns}", *(f"  {key}" for key in keys)]
    shop.declare("\n".join(lines) + "\n")


def fails(shop: Any, match: str = r"^error\[") -> str:
    with pytest.raises(SourceError, match=match) as caught:
        ingest(shop.settings)
    return str(caught.value)


def states(shop: Any) -> list[tuple[Any, ...]]:
    return shop.query("select batch_id, source_file, status from raw._loads order by 1")


def users(shop: Any) -> list[str]:
    return [user for (user,) in shop.query("select user_id from raw.ratings order by all")]


def nothing_to_do(shop: Any) -> bool:
    summary = ingest(shop.settings)
    return not summary.loaded and not summary.reloaded


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (RENAMED.encode(), "missing-column"),
        (GOOD.encode("utf-16"), "wrong-encoding"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)), "no-header"),
        (b"", "empty-file"),
        (UNREADABLE.encode(), "unreadable-file"),
    ],
)
def test_a_file_that_fails_is_kept_byte_for_byte(user_shop, content: bytes, code: str) -> None:
    user_shop.write("a.csv", content)
    fails(user_shop, code)
    [row] = user_shop.query(
        "select batch_id, status, landed_file, sha256, bytes, lines, records from raw._loads"
    )
    [landed] = user_shop.landed()
    sha256 = hashlib.sha256(content).hexdigest()
    assert row == ("00000001", "failed", landed, sha256, len(content), None, None)
    assert (user_shop.settings.lake / landed).read_bytes() == content
    assert users(user_shop) == user_shop.query("select * from raw.rejects") == []


@pytest.mark.parametrize("content", [RENAMED, UNREADABLE, ""])
def test_the_same_bytes_keep_their_batch_and_are_shown_each_time(user_shop, content: str) -> None:
    user_shop.write("a.csv", content)
    times = set()
    for _ in range(3):
        fails(user_shop, r"a\.csv")
        [(batch, landed, *moments)] = user_shop.query(
            "select batch_id, landed_file, started_at, finished_at from raw._loads"
        )
        assert (batch, [landed]) == ("00000001", user_shop.landed())
        times |= set(moments)
    assert len(times) == 6


def test_the_same_bytes_under_another_name_keep_their_batch(user_shop) -> None:
    path = user_shop.write("a.csv", RENAMED)
    fails(user_shop)
    path.rename(path.with_name("b.csv"))
    fails(user_shop, r"in/b\.csv")
    assert states(user_shop) == [("00000001", "in/b.csv", "failed")]
    user_shop.write("a.csv", RENAMED)
    fails(user_shop, r"in/a\.csv, in/b\.csv")
    assert [row[0] for row in states(user_shop)] == ["00000001"]
    assert len(user_shop.landed()) == 1


@pytest.mark.parametrize("there", [False, True], ids=["source_gone", "source_there"])
@pytest.mark.parametrize(
    ("content", "encoding", "keys", "rating"),
    [
        (GOOD, "utf-16", ["encoding: utf-16"], "stars"),
        (GOOD.replace(",", ";"), "utf-8", ['delimiter: ";"'], "stars"),
        (GOOD.replace("stars", "'sta,rs'"), "utf-8", ['quote: "\'"'], "sta,rs"),
        (ROW, "utf-8", ["header: false", "fields: [user, item, stars, time]"], "stars"),
        (RENAMED, "utf-8", [], "starz"),
    ],
    ids=["encoding", "delimiter", "quote", "header", "columns"],
)
def test_a_mended_declaration_takes_what_failed(
    user_shop, content: str, encoding: str, keys: list[str], rating: str, there: bool
) -> None:
    paths = [
        user_shop.write(f"{user}.csv", content.replace("u1", user).encode(encoding))
        for user in ("u1", "u2")
    ]
    fails(user_shop, "2 sources could not be loaded")
    if not there:
        paths[0].unlink()
    declare(user_shop, *keys, rating=rating)
    summary = ingest(user_shop.settings)
    assert users(user_shop) == ["u1", "u2"]
    assert [load.batch_id for load in summary.loaded] == ["00000001", "00000002"]
    assert user_shop.query("select distinct status, error, records from raw._loads") == [
        ("loaded", None, 1)
    ]
    assert len(user_shop.landed()) == 2
    assert nothing_to_do(user_shop)


def test_a_declaration_that_does_not_mend_it_is_tried_once_and_said(user_shop) -> None:
    path = user_shop.write("a.csv", RENAMED)
    user_shop.write("b.csv", GOOD)
    fails(user_shop)
    path.unlink()
    assert nothing_to_do(user_shop)
    declare(user_shop, "ignore: [starz]")
    assert 'in/a.csv, line 1, has no column "stars"' in fails(user_shop)
    assert states(user_shop)[0] == ("00000001", "in/a.csv", "failed")
    assert nothing_to_do(user_shop)
    assert users(user_shop) == ["u1"]


def test_an_error_of_landed_bytes_names_the_file_as_it_was_received(user_shop) -> None:
    path = user_shop.write("a.csv", GOOD.encode("utf-16"))
    fails(user_shop)
    path.unlink()
    user_shop.write("b.csv", HEADER)
    declare(user_shop, "ignore: [more]")
    assert "error[wrong-encoding]: a.csv is not UTF-8 but utf-16" in fails(user_shop)


def test_an_error_says_how_to_go_on_without_the_file_once_there_is_anything_else(user_shop) -> None:
    user_shop.write("a.csv", RENAMED)
    assert "go on without" not in fails(user_shop)
    user_shop.write("b.csv", GOOD)
    for _ in range(2):
        assert fails(user_shop, r"in/a\.csv").endswith(
            """
  help: set rating: "starz"
        or go on without it: 'recomart pipeline --from transform'"""
        )
    (user_shop.folder / "in" / "b.csv").unlink()
    assert "or go on without it" in fails(user_shop)
    assert user_shop.query("select count(*) from raw._loads where error like '%go on%'") == [(0,)]


def test_a_corrected_file_is_a_new_batch_and_replaces_the_failed_one(user_shop) -> None:
    user_shop.write("a.csv", RENAMED)
    user_shop.write("b.csv", RENAMED.replace("u1", "u2"))
    fails(user_shop)
    user_shop.write("a.csv", GOOD.replace("u1", "u9"))
    fails(user_shop, r"in/b\.csv")
    assert states(user_shop) == [
        ("00000001", "in/a.csv", "replaced"),
        ("00000002", "in/b.csv", "failed"),
        ("00000003", "in/a.csv", "loaded"),
    ]
    [(error,)] = user_shop.query("select error from raw._loads where status = 'replaced'")
    assert 'did you mean "starz"?' in error
    assert len(user_shop.landed()) == 3
    # what was corrected stays out, though the other declaration could read it
    declare(user_shop, "ignore: [stars]", rating="starz")
    fails(user_shop, r"in/a\.csv.*starz")
    assert users(user_shop) == ["u2", "u9"]


def test_a_file_that_goes_bad_and_is_put_back_is_no_problem_any_more(user_shop) -> None:
    user_shop.write("a.csv", GOOD)
    ingest(user_shop.settings)
    for _ in range(2):
        user_shop.write("a.csv", RENAMED)
        fails(user_shop)
        assert [state for *_, state in states(user_shop)] == ["loaded", "failed"]
        user_shop.write("a.csv", GOOD)
        assert nothing_to_do(user_shop)
        assert [state for *_, state in states(user_shop)] == ["loaded", "replaced"]


def test_versions_of_a_file_that_all_failed_are_all_taken_the_newest_last(user_shop) -> None:
    """As if the declaration had been right from the start."""
    for day in ("u1", "u2"):
        user_shop.write("a.csv", RENAMED.replace("u1", day))
        fails(user_shop)
    declare(user_shop, rating="starz")
    ingest(user_shop.settings)
    found = user_shop.query("select _batch_id, user_id from raw.ratings order by 1")
    assert found == [("00000001", "u1"), ("00000002", "u2")]


def test_what_failed_for_want_of_memory_is_tried_again_without_its_source(user_shop) -> None:
    rows = "".join(f"u{n},p{n},5,2026-01-01\n" for n in range(60_000))
    path = user_shop.write("a.csv", HEADER + rows)
    settings = user_shop.settings
    with pytest.raises(SourceError, match="load-failed"):
        ingest(settings.model_copy(update={"memory_limit": "6MB"}))
    assert states(user_shop) == [("00000001", "in/a.csv", "failed")]
    path.unlink()
    user_shop.write("b.csv", HEADER)
    ingest(settings)
    assert states(user_shop)[0] == ("00000001", "in/a.csv", "loaded")
    assert user_shop.query("select count(*) from raw.ratings") == [(60_000,)]
    assert nothing_to_do(user_shop)


@contextmanager
def small_disk(most: int) -> Iterator[None]:
    """No file may grow beyond `most` bytes; what writes more gets the system's error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_the_disk_cannot_hold_blocks_no_other_and_comes_later(user_shop) -> None:
    user_shop.write("a.csv", HEADER + f"{'u' * 100_000},p1,5,2026-01-01\n" * 300)
    user_shop.write("b.csv", GOOD)
    for _ in range(2):
        with small_disk(20 << 20):
            assert "error[load-failed]: in/a.csv could not be loaded" in fails(user_shop)
        assert states(user_shop) == [
            ("00000001", "in/a.csv", "failed"),
            ("00000002", "in/b.csv", "loaded"),
        ]
        assert len(user_shop.landed()) == 1
    assert ingest(user_shop.settings).records["ratings"] == 300
    assert [state for *_, state in states(user_shop)] == ["replaced", "loaded", "loaded"]


EQUATION = "lines = header + blank + continuation + rejected + records"


@pytest.mark.parametrize(
    ("line", "encoding", "key", "after"),
    [
        ("'u,{n}',p1,5,2026-01-01", "utf-8", 'quote: "\'"', ["u,4", "u,5", "u1", "u2", "u3"]),
        ("é{n},p1,5,2026-01-01", "latin-1", "encoding: latin-1", ["u1", "u2", "u3", "é4", "é5"]),
        # the three others cannot be read that way
        ("u{n};p1;5;2026-01-01", "utf-8", 'delimiter: ";"', ["u4", "u5"]),
    ],
    ids=["quote", "encoding", "delimiter"],
)
def test_rejected_lines_come_back_after_a_mended_format(
    user_shop, line: str, encoding: str, key: str, after: list[str]
) -> None:
    keys = ["header: false", "fields: [user, item, stars, time]"]
    declare(user_shop, *keys)
    plain = "".join(ROW.replace("u1", f"u{n}") for n in (1, 2, 3))
    others = "".join(line.format(n=n) + "\n" for n in (4, 5))
    path = user_shop.write("a.csv", (plain + others).encode(encoding))
    ingest(user_shop.settings)
    account = f"select lines, rejected, records, {EQUATION} from raw._loads"
    assert user_shop.query(account) == [(5, 2, 3, True)]
    assert user_shop.query("select line from raw.rejects order by 1") == [(4,), (5,)]
    path.unlink()
    declare(user_shop, *keys, key)
    fails(user_shop, "missing-files")  # a folder that is empty holds nothing back
    assert users(user_shop) == after
    lost = 5 - len(after)
    loaded = f"{account} where status = 'loaded'"
    assert user_shop.query(loaded) == [(5, lost, len(after), True)]
    assert user_shop.query("select line from raw.rejects order by 1") == [
        (n,) for n in range(1, lost + 1)
    ]
