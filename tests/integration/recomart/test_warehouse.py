import os
import subprocess
import sys

import pytest

from recomart.errors import NotReady, WarehouseLocked
from recomart.settings import Settings
from recomart.warehouse import warehouse

HOLD = """
from recomart.settings import load_settings
from recomart.warehouse import warehouse
with warehouse(load_settings()):
    print("held", flush=True)
    input()
"""


def test_locked_warehouse_names_the_holder(settings: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, **settings.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseLocked) as caught, warehouse(settings):
            pass
        assert f"PID {holder.pid}" in caught.value.message
        assert "load_settings" in caught.value.found
        holder.communicate("\n")
    with warehouse(settings) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_reading_without_a_warehouse_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(NotReady, match="recomart ingest"), warehouse(settings, read_only=True):
        pass
    assert not settings.warehouse.exists()


def test_limits_come_from_the_settings(settings: Settings) -> None:
    small = settings.model_copy(update={"memory_limit": "512MB", "threads": 1})
    with warehouse(small) as connection:
        found = connection.execute(
            "select current_setting('memory_limit'), current_setting('threads'), current_setting('TimeZone')"
        ).fetchone()
    assert found == ("488.2 MiB", 1, "UTC")
