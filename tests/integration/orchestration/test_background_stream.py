"""The simulator and the speed layer as background processes, and their failures."""

import os
import signal
import time

import pytest

from demo_shop import generate
from orchestration.background_stream import (
    SIMULATOR,
    SPEED_LAYER,
    load_stream,
    stream_in_background,
)
from recomart import processes
from recomart.errors import RedisUnavailable, StreamFailed
from recomart.settings import Settings


@pytest.fixture
def shop(settings: Settings) -> Settings:
    """A tiny demo shop with its files, and a long stream."""
    made = settings.model_copy(update={"scale": 0.02, "stream_seconds": 300})
    generate(made)
    return made


def end(settings: Settings, name: str, number: signal.Signals) -> None:
    process = processes.running(settings, name)
    assert process is not None
    os.kill(process.pid, number)
    while process.alive():
        time.sleep(0.02)


def alive(settings: Settings) -> list[str]:
    return [n for n in (SIMULATOR, SPEED_LAYER) if processes.running(settings, n)]


@pytest.mark.parametrize("name", [SIMULATOR, SPEED_LAYER])
def test_one_that_dies_fails_the_step_with_its_log(shop: Settings, name: str) -> None:
    with stream_in_background(shop):
        assert alive(shop) == [SIMULATOR, SPEED_LAYER]
        end(shop, name, signal.SIGKILL)
        with pytest.raises(StreamFailed) as failed:
            load_stream(shop)
    assert str(shop.logs / f"{name}.log") in failed.value.render()
    assert alive(shop) == []


def test_nothing_is_streamed_for_0_seconds_or_without_visitors(shop: Settings) -> None:
    for settings, reason in (
        (shop.model_copy(update={"stream_seconds": 0}), "RECOMART_STREAM_SECONDS is 0"),
        (shop.model_copy(update={"shop": "taobao"}), "no simulated visitors"),
    ):
        with stream_in_background(settings):
            assert alive(settings) == []
            result = load_stream(settings)
        assert result.count == 0
        assert reason in result.detail


def test_without_redis_nothing_is_started(shop: Settings) -> None:
    away = shop.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    with pytest.raises(RedisUnavailable), stream_in_background(away):
        pass
    assert alive(away) == []
