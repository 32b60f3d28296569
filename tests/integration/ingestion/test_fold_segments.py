"""Sealed segments of the stream in raw.events: each event once, and every line accounted for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from feature_store.realtime.streams import EVENTS
from ingestion.history import STREAM
from ingestion.ingest import declare, ingest
from recomart.errors import NotReady, SourceError

NOON = "2026-03-01T12:00:00.000000Z"
EPOCHS = """
events:
  files: "in/*.csv"
  time_format: epoch_seconds
  columns:
    event_id: id
    event_type: {column: kind, values: {pv: view}}
    user_id: user
    occurred_at: time
users:
  made_from: events
  columns: {user_id: user}
"""


def record(event_id: str, transport_id: str, **fields: str) -> dict[str, str | None]:
    event = {
        "event_id": event_id,
        "event_type": "view",
        "user_id": "u1",
        "session_id": None,
        "product_id": "p1",
        "occurred_at": "2026-03-01T11:59:00.000000Z",
        "received_at": NOON,
        "transport_id": transport_id,
    }
    return {**event, **fields}


def seal(user_shop, name: str, *records: dict) -> Path:
    path = user_shop.settings.raw / EVENTS / "ingest_date=2026-03-01" / f"{name}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"".join(json.dumps(r).encode() + b"\n" for r in records)))
    return path


@pytest.fixture
def user_shop(user_shop):
    """A shop of ratings alone: its events come from the stream."""
    user_shop.write("ratings.csv", "user,item,stars,time\nu1,p1,5,2026-03-01T00:00:00Z\n")
    return user_shop


ACCOUNT = "select records, deduplicated, redelivered from raw._loads where entity = 'events' order by batch_id"
IDS = "select event_id from raw.events order by _batch_id, _record"


def test_of_all_copies_the_first_is_loaded(user_shop) -> None:
    a, b, c = record("a", "1-0"), record("b", "2-0"), record("c", "3-0")
    a_again = record("a", "4-0", received_at="2026-03-01T12:01:00.000000Z")
    seal(user_shop, "1", a, b, a_again, b)
    seal(user_shop, "2", a_again, c)
    ingest(user_shop.settings)

    # b was kept twice by a consumer that died; a was sent twice, and that again kept twice
    assert user_shop.query(ACCOUNT) == [(4, 2, 1), (2, 1, 1)]
    assert user_shop.query(IDS) == [("a",), ("b",), ("c",)]

    seal(user_shop, "3", record("a", "9-0"), c)
    ingest(user_shop.settings)

    assert user_shop.query(ACCOUNT) == [(4, 2, 1), (2, 1, 1), (2, 2, 1)]
    assert user_shop.query(IDS) == [("a",), ("b",), ("c",)]


def test_an_offset_of_a_topic_that_was_made_anew_is_another_delivery(user_shop) -> None:
    """Kafka begins at 0 again, and what comes there now never came before."""
    seal(user_shop, "1", record("a", "t/0/0"), record("b", "t/0/1"))
    ingest(user_shop.settings)
    seal(user_shop, "2", record("c", "t/0/0"), record("b", "t/0/1"), record("d", "t/0/2"))
    seal(user_shop, "3", record("e", "t/0/2"))
    ingest(user_shop.settings)

    assert user_shop.query(IDS) == [("a",), ("b",), ("c",), ("d",), ("e",)]
    assert user_shop.query(ACCOUNT) == [(2, 0, 0), (3, 1, 1), (1, 0, 0)]


def test_another_version_of_an_event_is_no_copy(user_shop) -> None:
    seal(user_shop, "1", record("a", "1-0"), record("a", "2-0", product_id="p2"))
    ingest(user_shop.settings)

    assert user_shop.query(ACCOUNT) == [(2, 0, 0)]
    assert user_shop.query(IDS) == [("a",), ("a",)]


def test_an_event_whose_time_had_come_is_no_copy_of_one_ahead_of_its_clock(user_shop) -> None:
    """The first is quarantined (an hour ahead), the second is not."""
    at_one = {"occurred_at": "2026-03-01T13:00:00.000000Z"}
    seal(user_shop, "1", record("a", "1-0", **at_one))
    later = "2026-03-01T13:00:01.000000Z"
    seal(user_shop, "2", record("a", "2-0", **at_one, received_at=later))
    ingest(user_shop.settings)

    assert user_shop.query(ACCOUNT) == [(1, 0, 0), (1, 0, 0)]


def test_a_second_ingest_takes_nothing_twice(user_shop) -> None:
    path = seal(user_shop, "1", record("a", "1-0"))
    ingest(user_shop.settings)
    summary = ingest(user_shop.settings)

    assert summary.loaded == ()
    assert user_shop.query(IDS) == [("a",)]
    ((source, landed),) = user_shop.query(
        "select source, landed_file from raw._loads where entity = 'events'"
    )
    assert (source, user_shop.settings.lake / landed) == (STREAM, path)


def test_what_is_open_or_half_compressed_is_not_read(user_shop) -> None:
    sealed = seal(user_shop, "1", record("a", "1-0"))
    sealed.with_name("2.jsonl.open").write_text(json.dumps(record("b", "2-0")) + "\n")
    sealed.with_name(".2.jsonl.gz.tmp").write_bytes(b"\x1f\x8b")
    ingest(user_shop.settings)

    assert user_shop.query(IDS) == [("a",)]


def test_a_line_with_a_page_of_zeros_is_rejected_and_the_others_are_loaded(user_shop) -> None:
    sealed = seal(user_shop, "1", *(record(str(n), f"{n}-0") for n in range(100)))
    content = gzip.decompress(sealed.read_bytes())
    start = content.index(b'"5-0"')
    sealed.write_bytes(gzip.compress(content[:start] + bytes(40) + content[start + 40 :]))
    ingest(user_shop.settings)

    assert user_shop.query(IDS) == [(str(n),) for n in range(100) if n not in (5, 6)]
    assert user_shop.query(
        "select lines, rejected, records from raw._loads where source = 'stream'"
    ) == [(99, 1, 98)]


def test_a_damaged_segment_keeps_no_other_back_and_is_taken_when_mended(user_shop) -> None:
    damaged = seal(user_shop, "1", record("a", "1-0"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-9])
    seal(user_shop, "2", record("b", "2-0"))
    with pytest.raises(SourceError, match=r"1\.jsonl\.gz"):
        ingest(user_shop.settings)
    assert user_shop.query(IDS) == [("b",)]

    damaged.write_bytes(whole)
    ingest(user_shop.settings)

    assert sorted(user_shop.query(IDS)) == [("a",), ("b",)]
    assert user_shop.query("select distinct status from raw._loads where entity = 'events'") == [
        ("loaded",)
    ]


def test_a_broken_line_is_rejected_and_counted(user_shop) -> None:
    path = seal(user_shop, "1", record("a", "1-0"))
    lines = gzip.decompress(path.read_bytes()) + b'{"event_id": \n'
    path.write_bytes(gzip.compress(lines))
    ingest(user_shop.settings)

    account = "select lines, rejected, records from raw._loads where entity = 'events'"
    assert user_shop.query(account) == [(2, 1, 1)]


def test_segments_stand_beside_a_source_of_another_form(user_shop) -> None:
    """Their columns and times are the event's own: the shop's mapping is not for them."""
    user_shop.declare(EPOCHS)
    (user_shop.folder / "in" / "ratings.csv").unlink()
    user_shop.write("1.csv", "id,kind,user,time\nf1,pv,u1,1772366400\n")
    seal(user_shop, "1", record("a", "1-0"))
    ingest(user_shop.settings)
    user_shop.declare(EPOCHS.replace("pv: view", "pv: click"))
    ingest(user_shop.settings)  # makes the file's rows anew, and leaves the segment's

    found = user_shop.query("select event_id, event_type, occurred_at from raw.events order by 1")
    assert found == [("a", "view", "2026-03-01T11:59:00.000000Z"), ("f1", "click", "1772366400")]
    assert user_shop.query("select user_id from raw.users") == [("u1",)]


def test_a_shop_whose_only_source_is_the_stream_has_its_events(user_shop) -> None:
    user_shop.declare("events: stream\n")
    ingest(user_shop.settings)
    with pytest.raises(NotReady, match="no rating, order line or event yet"):
        declare(user_shop.settings)
    seal(user_shop, "a", record("e1", "1"), record("e2", "2"))
    ingest(user_shop.settings)
    declare(user_shop.settings)
    assert user_shop.query(IDS) == [("e1",), ("e2",)]
    assert ingest(user_shop.settings).loaded == ()
