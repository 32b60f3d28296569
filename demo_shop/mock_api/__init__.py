"""A mock catalogue API: the demo shop's products over HTTP, and faults on demand."""

from demo_shop.mock_api.app import create_app
from demo_shop.mock_api.faults import Fault, Faults
from demo_shop.mock_api.server import API_KEY, serve

__all__ = ["API_KEY", "Fault", "Faults", "create_app", "serve"]
