"""The same events through the stream and through the file loader are the same facts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from ingestion.load import ingest
from recomart import processes
from recomart.events import key_hash
from recomart.settings import PROJECT_ROOT, load_settings
from tests.integration.streaming.stream_runs import run

LINES = 20_000
TYPES = {"pv": "view", "cart": "add_to_cart", "fav": "favorite", "buy": "purchase"}
OF_FILES = """
  files: "{data}/taobao-815-users/UserBehavior.csv"
  header: false
  fields: [user, item, category, behavior, timestamp]
"""
STREAMED = f"""
title: Taobao, whose events come from the stream
as_of: data_end
opened_at: 2017-11-25T00:00:00+08:00
closed_at: 2017-12-03T23:59:59+08:00
events:{OF_FILES.replace("UserBehavior", "one_event")}
  time_format: epoch_seconds
  columns:
    event_id: {{hash_of: [user, item, behavior, timestamp]}}
    event_type: {{column: behavior, values: {{pv: view}}}}
    user_id: user
    product_id: item
    occurred_at: timestamp
users:{OF_FILES}
  ignore: [item, category, behavior, timestamp]
  columns: {{user_id: user}}
products:{OF_FILES}
  ignore: [user, behavior, timestamp]
  columns: {{product_id: item, category: category}}
"""
FACTS = """
    select event_id, event_type, user_id, session_id, product_id, occurred_at
    from marts.fct_events order by event_id
"""


@pytest.mark.realdata
@pytest.mark.slow
def test_taobao_through_the_stream_gives_the_facts_of_its_file(
    tmp_path: Path, data_folder: Path, dbt, read
) -> None:
    with open(data_folder / "taobao-815-users" / "UserBehavior.csv") as source:
        lines = list(islice(source, LINES))
    folder = tmp_path / "data" / "taobao-815-users"
    folder.mkdir(parents=True)
    (folder / "UserBehavior.csv").write_text("".join(lines))
    # one event, which the stream brings too: the shop's own events have another time format
    (folder / "one_event.csv").write_text(next(line for line in lines if ",pv," in line))
    (tmp_path / "streamed.yml").write_text(STREAMED)
    data = tmp_path / "data"
    taobao = load_settings(
        shop=str(PROJECT_ROOT / "shops" / "taobao.yml"), lake=tmp_path / "of_file", data=data
    )
    streamed = load_settings(
        shop=str(tmp_path / "streamed.yml"), lake=tmp_path / "of_stream", data=data
    )
    try:
        run(streamed, stdin=b"".join(map(_event, lines)))
    finally:
        processes.stop_all(streamed)
    facts = []
    for settings in (taobao, streamed):
        ingest(settings)
        built = dbt.run(settings.lake, "run", "--select", "+fct_events", "+dq_reconciliation")
        assert set(built.values()) == {"success"}
        tested = dbt.run(settings.lake, "test", "--select", "dq_reconciles")
        assert tested["dq_reconciles"] == "pass"
        facts.append(read(settings.lake, FACTS))

    assert len(facts[0]) > 19_000
    assert facts[0] == facts[1]


def _event(line: str) -> bytes:
    user, item, _, behavior, timestamp = line.strip().split(",")
    event = {
        "event_id": key_hash(user, item, behavior, timestamp),
        "event_type": TYPES[behavior],
        "user_id": user,
        "product_id": item,
        "occurred_at": datetime.fromtimestamp(int(timestamp), UTC).isoformat(),
    }
    return json.dumps(event).encode() + b"\n"
