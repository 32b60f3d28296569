"""The name of a consumer: unique among running consumers, and the same after a restart."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from recomart.locks import try_lock
from recomart.settings import Settings


@contextmanager
def consumer_name(settings: Settings) -> Iterator[str]:
    """`<host>-<number>`, with the lowest number that no running consumer of this lake has.

    A consumer that replaces a dead one gets its name, and so its unacknowledged entries at once.
    The operating system releases the number's lock when the process ends for any reason.
    """
    settings.run_files.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        with open(settings.run_files / f"stream-{number}.lock", "w") as handle:
            if not try_lock(handle):
                continue
            yield f"{socket.gethostname()}-{number}"
            return
