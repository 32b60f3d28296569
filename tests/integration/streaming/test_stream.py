from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from feature_store.online.redis import connect
from feature_store.realtime.streams import FIELD, GROUP, stream_key
from recomart.events import Event
from recomart.settings import Settings
from streaming.check import check
from streaming.simulator import FaultInjector, Shares, Truth
from tests.integration.streaming.stream_runs import dead, kept, left_open, run, to_redis

Line = Callable[..., bytes]


def test_a_pipe_is_kept_line_by_line(settings: Settings, make_line: Line) -> None:
    lines = [make_line(number) for number in range(50)]
    lines[10:10] = [b"rubbish", b"", b'{"event_id": "\xff"}', make_line(99, event_type="hover")]

    out, _ = run(settings, stdin=b"\n".join(lines))  # the last one without an end of line

    assert out.startswith("53 received: 50 events and 3 dead letters; real-time features: 50 new")
    records = kept(settings)
    assert [record["event_id"] for record in records] == [f"e{number}" for number in range(50)]
    numbers = [record["transport_id"].rpartition(":")[2] for record in (*records, *dead(settings))]
    assert sorted(map(int, numbers)) == sorted({*range(1, 55)} - {12})  # the blank one
    assert left_open(settings) == []


def test_dead_letters_keep_bytes_and_reason(settings: Settings, make_line: Line) -> None:
    misspelt = json.dumps({**json.loads(make_line(1)), "produt_id": "p1"}).encode()
    run(settings, stdin=b"\n".join([b"rubbish", b"\xff\x00", make_line(2, user_id=""), misspelt]))

    found = dead(settings)

    assert [letter["reason"] for letter in found] == [
        "Invalid JSON: expected value",
        "Invalid JSON: expected value",
        "user_id: String should have at least 1 character, found ''",
        "produt_id: Extra inputs are not permitted",
    ]
    assert found[0]["body"] == "rubbish"
    assert found[1]["body_base64"] == "/wA="
    assert found[3]["body"].encode() == misspelt


def test_injected_faults_are_counted_as_the_record_expects(settings: Settings) -> None:
    truth, now = Truth(), datetime.now(UTC)
    faults = FaultInjector(Shares(0.1, 0.1, 0.1, 0.1, 0.1), seed=5, truth=truth)
    events = (
        Event(event_id=f"e{n}", event_type="view", user_id=f"u{n % 9}", occurred_at=now)
        for n in range(1_000)
    )
    lines = [message.line for event in events for message in faults.messages(event)]
    lines += [message.line for message in faults.delayed()]

    out, _ = run(settings, stdin=b"\n".join(lines))

    account = check(connect(settings), settings)
    assert truth.expected() == {
        "messages": account.transport_ids,
        "accepted": account.accepted,
        "duplicates": account.duplicates,
        "dead_letters": account.dead_letters,
    }
    ahead, late = len(truth.wrong_clocks), len(truth.too_late)
    assert min(ahead, late, account.duplicates, account.dead_letters) > 10
    assert f"{late} late, {ahead} dated ahead" in out


def test_the_transport_s_clock_wins(settings: Settings, make_line: Line) -> None:
    to_redis(settings, [make_line(1, received_at="2001-01-01T00:00:00Z")])
    run(settings, "--transport", "redis", "--idle-exit", "0")

    (record,) = kept(settings)

    milliseconds = int(record["transport_id"].split("-")[0])
    assert record["received_at"] == f"{_iso(milliseconds)}000Z"


def test_redis_stream_is_drained_acknowledged_and_trimmed(
    settings: Settings, make_line: Line
) -> None:
    to_redis(settings, (make_line(number) for number in range(3000)))
    run(settings, "--transport", "redis", "--idle-exit", "1.5")

    client, key = connect(settings), stream_key(settings.feast_project)
    assert {record["event_id"] for record in kept(settings)} == {f"e{n}" for n in range(3000)}
    (group,) = client.xinfo_groups(key)
    assert (group["name"], group["pending"], group["lag"]) == (GROUP.encode(), 0, 0)
    assert client.xlen(key) < 1000


def test_an_entry_whose_id_is_beyond_all_years_stops_nobody(
    settings: Settings, make_line: Line
) -> None:
    """A producer may choose ids itself, and an entry that ends its reader would end every one."""
    client, key = connect(settings), stream_key(settings.feast_project)
    client.xadd(key, {FIELD: make_line(1)}, id=f"{2**63}-0")
    client.xadd(key, {FIELD: make_line(2)})

    out, _ = run(settings, "--transport", "redis", "--idle-exit", "0")

    assert "2 late" in out
    assert [record["event_id"] for record in kept(settings)] == ["e1", "e2"]
    assert kept(settings)[0]["received_at"] == "9999-12-31T23:59:59.999999Z"


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
