"""A load that is killed at any moment, then run again, gives the tables of an undisturbed one."""

from __future__ import annotations

import multiprocessing
import runpy
import signal
from collections.abc import Iterator
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from ingestion.ingest import ingest
from recomart.errors import SourceError
from recomart.shop.model import ENTITIES

FILES, ROWS = 5, 20_000

SHOP = """
users:
  files: "in/users.csv"
  columns: {user_id: user}
ratings:
  files: "in/ratings*.csv"
  time_format: epoch_seconds
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
events:
  files: "in/*.jsonl"
  format: jsonl
  columns: {event_id: id, event_type: type, user_id: user, occurred_at: at}
"""

CHILD = Path(__file__).with_name("killed_child.py")
LIBRARIES = ["ingestion.ingest", "pandera.ibis", "ibis.backends.duckdb", "pandas"]


def fill(shop: Any) -> None:
    shop.declare(SHOP)
    shop.write("users.csv", "user\n" + "".join(f"u{n}\n" for n in range(1000)))
    for number in range(FILES):
        lines = [f"u{n % 1000},p{n * 7 % 500},{n % 5},{n}.{number}\n" for n in range(ROWS)]
        lines[7] = "broken\n"
        shop.write(f"ratings{number}.csv", "user,item,stars,time\n" + "".join(lines))
        events = [
            f'{{"id": "{number}-{n}", "type": "view", "user": "u{n}", "at": "2026-01-01"}}\n'
            for n in range(2000)
        ]
        shop.write(f"e{number}.jsonl", "".join(events) + "rubbish\n")


def tables(shop: Any) -> dict[str, list[tuple[Any, ...]]]:
    """All that the loads made, batch ids and times aside, landed bytes by their hash."""
    found = {
        entity: shop.query(
            f"select md5(string_agg(concat_ws(',', {', '.join(columns)}, _source_file, _record), "
            f"';' order by _source_file, _record)), count(*) from raw.{entity}"
        )
        for entity, columns in ENTITIES.items()
    }
    found["rejects"] = shop.query(
        "select source_file, line, byte_offset, reason, text from raw.rejects order by all"
    )
    found["loads"] = shop.query(
        "select source_file, entity, sha256, bytes, lines, header, blank, continuation, rejected, "
        "records, status from raw._loads order by all"
    )
    found["contracts"] = shop.query(
        "select entity, check_name, column_name, failures, records from raw._contracts order by all"
    )
    landed = shop.query("select landed_file from raw._loads order by all")
    assert shop.landed() == [name for (name,) in landed]
    return found


@pytest.fixture(scope="module")
def undisturbed(make_user_shop: Any) -> dict[str, list[tuple[Any, ...]]]:
    shop = make_user_shop()
    fill(shop)
    ingest(shop.settings)
    return tables(shop)


@pytest.fixture(scope="module", autouse=True)
def _no_server_left() -> Iterator[None]:
    """The process that forks the children ends with this module, not some time after pytest."""
    yield
    forkserver._forkserver._stop()


def child(shop: Any, moment: str, after: int) -> BaseProcess:
    """A process that ingests, and is killed at a moment; with the libraries there from the start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    told = {"settings": shop.settings, "moment": moment, "after": after}
    process = context.Process(target=runpy.run_path, args=(str(CHILD), told))
    process.start()
    return process


@pytest.mark.parametrize(
    ("moment", "after"),
    [("landing", 3), ("landed", 2), ("rows", 4), ("ledger", 2), ("loaded", 2)],
)
def test_killed_between_any_two_steps(
    user_shop: Any, undisturbed: dict[str, Any], moment: str, after: int
) -> None:
    fill(user_shop)
    process = child(user_shop, moment, after)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    ingest(user_shop.settings)
    assert tables(user_shop) == undisturbed
    assert ingest(user_shop.settings).loaded == ()


def test_killed_again_and_again_at_odd_moments(user_shop: Any, undisturbed: dict[str, Any]) -> None:
    fill(user_shop)
    killed = 0
    for wait in (0.1, 0.3, 0.6, 1.0):
        process = child(user_shop, "never", 0)
        process.join(wait)
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed
    ingest(user_shop.settings)
    assert tables(user_shop) == undisturbed


def fill_with_another_delimiter(shop: Any) -> None:
    shop.declare(SHOP)
    shop.write("users.csv", "user\n" + "".join(f"u{n}\n" for n in range(100)))
    shop.write("e.jsonl", "")
    for number in range(FILES):
        lines = [f"u{n};p{n % 7};{n % 5};{n}.{number}\n" for n in range(100)]
        lines[7] = "broken\n"
        shop.write(f"ratings{number}.csv", "user;item;stars;time\n" + "".join(lines))


def mend(shop: Any) -> None:
    shop.write("e.jsonl", '{"id": "1", "type": "view", "user": "u1", "at": "2026-01-01"}\n')
    shop.declare(
        SHOP.replace("stars, rated_at: time}\n", 'stars, rated_at: time}\n  delimiter: ";"\n')
    )


@pytest.fixture(scope="module")
def mended_from_the_start(make_user_shop: Any) -> dict[str, list[tuple[Any, ...]]]:
    shop = make_user_shop()
    fill_with_another_delimiter(shop)
    mend(shop)
    ingest(shop.settings)
    return tables(shop)


def without_replaced(found: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    return found | {"loads": [row for row in found["loads"] if row[-1] != "replaced"]}


@pytest.mark.parametrize(("moment", "after"), [("landed", 3), ("ledger", 3)])
def test_killed_while_files_fail(
    user_shop: Any, mended_from_the_start: dict[str, Any], moment: str, after: int
) -> None:
    fill_with_another_delimiter(user_shop)
    process = child(user_shop, moment, after)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    for _ in range(2):
        with pytest.raises(SourceError):
            ingest(user_shop.settings)
        assert len(user_shop.query("from raw._loads")) == len(user_shop.landed()) == FILES + 2
    mend(user_shop)
    ingest(user_shop.settings)
    assert without_replaced(tables(user_shop)) == mended_from_the_start


@pytest.mark.parametrize(("moment", "after"), [("rows", 2), ("ledger", 2), ("loaded", 2)])
def test_killed_while_failed_files_are_taken_from_the_landing_zone(
    user_shop: Any, mended_from_the_start: dict[str, Any], moment: str, after: int
) -> None:
    fill_with_another_delimiter(user_shop)
    with pytest.raises(SourceError):
        ingest(user_shop.settings)
    for number in range(1, FILES):
        (user_shop.folder / "in" / f"ratings{number}.csv").unlink()
    mend(user_shop)
    process = child(user_shop, moment, after)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    ingest(user_shop.settings)
    assert without_replaced(tables(user_shop)) == mended_from_the_start
    assert ingest(user_shop.settings).loaded == ()
