"""`recomart simulate` as it is called: bytes, pipes, signals, and replays of a warehouse."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recomart.events import Event
from recomart.settings import Settings
from recomart.warehouse import warehouse

START = ("--start", "2026-03-31T09:00:00Z", "--seed", "3", "--rate", "max")


def command(settings: Settings, *arguments: str) -> dict:
    return {
        "args": [sys.executable, "-m", "orchestration", "simulate", *arguments],
        "env": {**os.environ, **settings.environment()},
    }


def lines(settings: Settings, *arguments: str) -> list[bytes]:
    done = subprocess.run(**command(settings, *arguments), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.splitlines()


def events(settings: Settings, *arguments: str) -> list[Event]:
    return [Event.model_validate_json(line) for line in lines(settings, *arguments)]


def test_a_seed_and_a_start_give_the_same_bytes_and_the_truth_of_the_faults(
    demo_lake: Settings, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.json"
    asked = (*START, "--events", "500", "--duplicates", "0.1", "--malformed", "0.1")
    first = lines(demo_lake, *asked, "--truth", str(truth))
    assert first == lines(demo_lake, *asked)
    assert len(first) == json.loads(truth.read_text())["expected"]["messages"] > 550


def test_visitors_are_users_of_the_shop_looking_at_its_products(demo_lake: Settings) -> None:
    with warehouse(demo_lake, read_only=True) as connection:
        [(users, products)] = connection.execute(
            "select (select list(user_id) from marts.dim_users),"
            "(select list(product_id) from marts.dim_products)"
        ).fetchall()
    sent = events(demo_lake, *START, "--events", "300")
    assert len(sent) == 300
    assert {event.user_id for event in sent} <= set(users)
    assert {event.product_id for event in sent} <= set(products)


def test_a_closed_pipe_ends_it_without_a_word(demo_lake: Settings) -> None:
    with subprocess.Popen(
        **command(demo_lake, "--rate", "max"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly_with_whole_lines_and_the_truth(
    demo_lake: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    truth = tmp_path / "truth.json"
    asked = ("--rate", "500", "--duplicates", "0.2", "--truth", str(truth))
    with subprocess.Popen(
        **command(demo_lake, *asked), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        sent = [process.stdout.readline()]
        process.send_signal(number)
        sent += process.stdout.readlines()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
    assert all(Event.model_validate_json(line) for line in sent)
    assert len(sent) == json.loads(truth.read_text())["expected"]["messages"]


def test_a_replay_sends_the_accepted_events_by_time_with_their_own_ids_and_times(
    demo_lake: Settings,
) -> None:
    with warehouse(demo_lake, read_only=True) as connection:
        expected = connection.execute(
            "select event_id, event_type, user_id, session_id, product_id, occurred_at"
            " from marts.fct_events order by occurred_at, event_id"
        ).fetchall()
    sent = events(demo_lake, "--replay", "--speed", "max")
    assert [
        (e.event_id, e.event_type, e.user_id, e.session_id, e.product_id,
         e.occurred_at.replace(tzinfo=None))
        for e in sent
    ] == expected  # fmt: skip


def test_a_replay_of_a_window_shifted_to_now_sends_new_events(demo_lake: Settings) -> None:
    window = ("--replay", "--speed", "max", "--since", "2026-03-30", "--until", "2026-03-31")
    own = events(demo_lake, *window)
    assert {f"{event.occurred_at:%Y-%m-%d}" for event in own} == {"2026-03-30"}
    shifted = events(demo_lake, *window, "--shift-clock")
    assert [(e.user_id, e.product_id) for e in shifted] == [(e.user_id, e.product_id) for e in own]
    assert not {e.event_id for e in shifted} & {e.event_id for e in own}
    times = [event.occurred_at for event in shifted]
    assert times == sorted(times)
    assert min(times) > max(event.occurred_at for event in own)


def test_a_lake_without_visitors_or_past_says_what_to_run(settings: Settings) -> None:
    for arguments, help in (((), "recomart generate"), (("--replay",), "recomart ingest")):
        done = subprocess.run(
            **command(settings, *arguments), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1
        assert help in done.stderr
