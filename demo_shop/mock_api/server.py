"""Running the mock API on loopback."""

from __future__ import annotations

import psutil
import uvicorn

from demo_shop.mock_api.app import create_app
from demo_shop.mock_api.faults import Faults
from demo_shop.mock_api.shape import served_for
from recomart.errors import NotReady, PortInUse
from recomart.processes import LOOPBACK, port_is_free
from recomart.settings import MOCK_API_PORT, Settings

API_KEY = "demo"
"""The key that shops/demo.yml sends. It guards nothing."""


def serve(
    settings: Settings,
    *,
    port: int = MOCK_API_PORT,
    faults: Faults | None = None,
    api_key: str = API_KEY,
) -> None:
    """Serve the shop's catalogue on 127.0.0.1 until interrupted, in the shape that it declares.

    Raises:
        NotReady: there is no catalogue yet.
        PortInUse: another process has the port; names it where the system allows.
    """
    served = served_for(settings)
    if not served.catalogue.is_file():
        generated = served.catalogue.is_relative_to(settings.lake)
        raise NotReady(
            "there is no catalogue to serve",
            where=str(served.catalogue),
            help="run 'recomart generate'"
            if generated
            else f"put the data set under {settings.data}, or set RECOMART_DATA to its folder",
        )
    if not port_is_free(port):
        raise PortInUse(
            f"port {port} on {LOOPBACK} is in use",
            found=_holder(port),
            help=f"end that process, or choose another port: recomart mock-api --port {port + 1}",
        )
    key = api_key if served.needs_key else None
    app = create_app(served.catalogue, key, faults, served.shape)
    uvicorn.run(app, host=LOOPBACK, port=port)


def _holder(port: int) -> str | None:
    """Who listens on a port, as `process 4711 (python3.11)`; None where the system keeps it back."""
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listening and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return None
    return None
