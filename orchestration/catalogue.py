"""The mock catalogue API, which runs during an ingest for shops whose file asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from ingestion.shop_file import load_shop
from recomart import processes
from recomart.errors import CatalogueError
from recomart.settings import MOCK_API_PORT, Settings
from recomart.waiting import wait_until

NAME = "mock-api"
START_SECONDS = 30.0


def needs_mock_api(settings: Settings) -> bool:
    """Whether a source's URL contains {mock_api} and RECOMART_MOCK_API_URL is not set."""
    sources = load_shop(settings).shop.sources().values()
    asked = any(source.mentions("{mock_api}") for source in sources)
    return asked and settings.mock_api_url is None


@contextmanager
def catalogue_for(settings: Settings) -> Iterator[Settings]:
    """Settings with which the shop's catalogue can be read; the mock API runs inside the block."""
    if not needs_mock_api(settings):
        yield settings
        return
    processes.stop(settings, NAME)
    try:
        with processes.taking_a_port(MOCK_API_PORT) as port:
            argv = [sys.executable, "-m", "demo_shop.mock_api", "--port", str(port)]
            process = processes.spawn(settings, NAME, argv, port, settings.environment())
            url = f"http://{processes.LOOPBACK}:{port}"
            _wait(settings, process, url)
        yield settings.model_copy(update={"mock_api_url": url})
    finally:
        processes.stop(settings, NAME)


def _wait(settings: Settings, process: processes.Process, url: str) -> None:
    def answers() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=1.0).ok
        except requests.RequestException:
            return False

    if not wait_until(answers, START_SECONDS, give_up=lambda: not process.alive()):
        raise CatalogueError(
            f"the mock catalogue did not start at {url}",
            where=str(settings.logs / f"{NAME}.log"),
            found=processes.log_tail(settings, NAME),
            help="run 'recomart mock-api' to see its error",
        )
