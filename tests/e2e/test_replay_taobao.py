"""Taobao's real clicks, told again through the stream into another lake: the same fct_events."""

import os
import subprocess
from pathlib import Path

import pytest

from ingestion.ingest import ingest
from orchestration.transform import transform
from recomart import processes
from recomart.settings import PROJECT_ROOT, Settings, load_settings
from recomart.warehouse import warehouse

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

# A shop that has no lists and no event files: whatever it knows of events came through the stream.
SHOP = """
title: Taobao, told again
ratings:
  files: "ratings.csv"
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""


def events(settings: Settings) -> list[tuple]:
    with warehouse(settings, read_only=True) as connection:
        return connection.execute(
            "select event_id, event_type, user_id, session_id, product_id, occurred_at"
            " from marts.fct_events order by all"
        ).fetchall()


def test_taobao_through_the_stream_gives_the_events_that_the_file_gives(
    tmp_path: Path, data_folder: Path
) -> None:
    file = load_settings(shop="taobao", lake=tmp_path / "file", data=data_folder)
    if not (data_folder / "taobao-815-users" / "UserBehavior.csv").is_file():
        pytest.skip(f"no taobao-815-users under {data_folder}")
    (tmp_path / "again.yml").write_text(SHOP)
    (tmp_path / "ratings.csv").write_text("user,item,stars,time\nu,p,5,2017-11-26T00:00:00Z\n")
    again = load_settings(shop=str(tmp_path / "again.yml"), lake=tmp_path / "again")
    told, heard = ({**os.environ, **s.environment()} for s in (file, again))
    recomart = PROJECT_ROOT / ".venv" / "bin" / "recomart"
    try:
        ingest(file)
        transform(file)
        with subprocess.Popen(
            [recomart, "simulate", "--replay", "--speed", "max"], env=told, stdout=subprocess.PIPE
        ) as simulator:
            subprocess.run(
                [recomart, "stream"], env=heard, stdin=simulator.stdout, check=True, timeout=300
            )
        assert simulator.returncode == 0
        ingest(again)
        transform(again)
        expected = events(file)
        assert len(expected) == 84_440  # as tests/e2e/test_more_shops.py counts them
        assert events(again) == expected
    finally:
        processes.stop_all(again)
