"""The mock catalogue API beside an ingest, for shops whose file asks for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from recomart import processes
from recomart.errors import CatalogueError
from recomart.settings import MOCK_API_PORT, Settings
from recomart.shop.file import load_shop

NAME = "mock-api"
START_SECONDS = 30.0


def needs_mock_api(settings: Settings) -> bool:
    """Whether a source's URL holds {mock_api}, and no RECOMART_MOCK_API_URL says where that is."""
    sources = load_shop(settings).shop.sources().values()
    asked = any(source.mentions("{mock_api}") for source in sources)
    return asked and settings.mock_api_url is None


@contextmanager
def catalogue_for(settings: Settings) -> Iterator[Settings]:
    """Settings under which the shop's catalogue answers: the mock API runs only inside the block."""
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
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.alive():
        try:
            if requests.get(f"{url}/health", timeout=1.0).ok:
                return
        except requests.RequestException:
            time.sleep(0.05)
    log = settings.logs / f"{NAME}.log"
    lines = log.read_text(errors="replace").splitlines()
    raise CatalogueError(
        f"the mock catalogue did not start at {url}",
        where=str(log),
        found=lines[-1] if lines else "nothing in its log",
        help="run 'recomart mock-api' to see what it says",
    )
