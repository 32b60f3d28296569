"""`python -m demo_shop.mock_api`: the mock API as a process of its own, with faults if asked."""

from __future__ import annotations

import argparse
import sys

from demo_shop.mock_api.faults import GRAMMAR, KINDS, Faults
from demo_shop.mock_api.server import API_KEY, serve
from recomart.errors import RecoMartError
from recomart.settings import MOCK_API_PORT, load_settings


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and serve until interrupted; settings come from the environment."""
    parser = argparse.ArgumentParser(prog="python -m demo_shop.mock_api", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=MOCK_API_PORT, help="on 127.0.0.1 (default: %(default)s)"
    )
    parser.add_argument("--api-key", default=API_KEY, help="what X-API-Key must hold")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help=f"{GRAMMAR}, with KIND one of {', '.join(KINDS)}; may be given several times",
    )
    given = parser.parse_args(arguments)
    try:
        faults = Faults.parse(*given.fault)
        serve(load_settings(), port=given.port, faults=faults, api_key=given.api_key)
    except RecoMartError as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
