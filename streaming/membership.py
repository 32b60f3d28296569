"""The name of a consumer: the same after a restart, and no other's while it lives."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from recomart.locks import try_lock
from recomart.settings import Settings


@contextmanager
def consumer_name(settings: Settings) -> Iterator[str]:
    """`<host>-<number>` with the lowest number that no living consumer of this lake has.

    So a consumer that starts in the place of a dead one has its name, and gets its unacknowledged
    entries at once. The number's lock goes with the process, however that ends.
    """
    settings.run_files.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        with open(settings.run_files / f"stream-{number}.lock", "w") as handle:
            if not try_lock(handle):
                continue
            yield f"{socket.gethostname()}-{number}"
            return
