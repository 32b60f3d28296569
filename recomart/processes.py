"""Processes that RecoMart starts and must not leave behind: one record each under `<lake>/run`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from recomart.errors import PortInUse
from recomart.files import replace_text
from recomart.locks import waiting_for
from recomart.settings import Settings
from recomart.waiting import wait_until

LOOPBACK = "127.0.0.1"

_WHEN_TOLD = 'read -r go && exec "$@" < /dev/null'
"""Becomes a command after a line on stdin, and ends without one."""


@dataclass(frozen=True)
class Process:
    """A process of ours. `created` tells it from a later one that got the same pid."""

    name: str
    pid: int
    created: float
    port: int

    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def _record(settings: Settings, name: str) -> Path:
    return settings.run_files / f"{name}.json"


def recorded(settings: Settings, name: str) -> Process | None:
    """The process last started under this name, alive or not."""
    try:
        return Process(**json.loads(_record(settings, name).read_text()))
    except FileNotFoundError:
        return None


def running(settings: Settings, name: str) -> Process | None:
    """The live process of this name, or None."""
    process = recorded(settings, name)
    return process if process and process.alive() else None


def spawn(
    settings: Settings,
    name: str,
    argv: Sequence[str],
    port: int,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Start `argv` in a session of its own, with its output in `<lake>/logs/<name>.log`.

    It begins when its record stands: were this process killed in between, nobody could find it.

    Args:
        environment: variables for the child, on top of this process's own.
    """
    settings.logs.mkdir(parents=True, exist_ok=True)
    with open(settings.logs / f"{name}.log", "ab") as log:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _WHEN_TOLD, name, *argv],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    process = Process(name, child.pid, psutil.Process(child.pid).create_time(), port)
    replace_text(_record(settings, name), json.dumps(asdict(process)) + "\n")
    assert child.stdin is not None
    with suppress(BrokenPipeError), child.stdin as told:  # it may have been killed meanwhile
        told.write(b"go\n")
    return process


@contextmanager
def registered(settings: Settings, name: str) -> Iterator[None]:
    """Keep a record of this very process while the block runs, so that `recomart down` ends it."""
    created = psutil.Process().create_time()
    record = Process(name, os.getpid(), created, 0)
    replace_text(_record(settings, name), json.dumps(asdict(record)) + "\n")
    try:
        yield
    finally:
        if recorded(settings, name) == record:
            _record(settings, name).unlink(missing_ok=True)


def stop(settings: Settings, name: str, timeout: float = 10.0) -> Process | None:
    """End the process of this name (TERM, then KILL) and return it; None when none was alive."""
    process = running(settings, name)
    if process:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).terminate()
            if not _gone(process, timeout):
                psutil.Process(process.pid).kill()
                _gone(process, timeout)
    return process


def _gone(process: Process, timeout: float) -> bool:
    """Wait until a process has ended. One whose parent has not asked for its end yet (a zombie)
    has ended too, though psutil's own wait would go on."""
    return bool(wait_until(lambda: not process.alive(), timeout, poll=0.02))


def stop_all(settings: Settings) -> list[Process]:
    """End every process that this lake's records name, and return those that were alive.

    The Redis server ends last: those that write to it would wait for it, or start it again.
    """
    found = (path.stem for path in settings.run_files.glob("*.json"))
    names = sorted(found, key=lambda name: (name == "redis", name))
    return [process for name in names if (process := stop(settings, name))]


@contextmanager
def only_one(settings: Settings, name: str) -> Iterator[None]:
    """Hold a lock file, so that two commands at once do not start the same thing twice."""
    with waiting_for(settings.run_files / f"{name}.lock"):
        yield


def port_is_free(port: int) -> bool:
    """Whether a server of ours could bind `port` on loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int, tries: int = 100) -> int:
    """`preferred`, or the next port on loopback that can be bound.

    Raises:
        PortInUse: none of `tries` ports is free.
    """
    for port in range(preferred, preferred + tries):
        if port_is_free(port):
            return port
    raise PortInUse(f"no free port between {preferred} and {preferred + tries - 1}")


@contextmanager
def taking_a_port(preferred: int) -> Iterator[int]:
    """A free port, kept from other RecoMart processes of this user while the block starts a server.

    Two lakes that start at once would both find the same port free; the slower one's server would
    die, and its client talk to the other lake's.
    """
    path = Path(tempfile.gettempdir()) / f"recomart-ports-{os.getuid()}.lock"
    with waiting_for(path):
        yield free_port(preferred)


def require_port(port: int) -> None:
    """Make sure that `port` on loopback can be bound.

    Raises:
        PortInUse: it cannot; names the PID that listens there, when it can be seen.
    """
    if port_is_free(port):
        return
    listeners = [
        f"PID {c.pid}"
        for c in _listeners()
        if c.laddr and c.laddr.port == port and c.pid is not None
    ]
    raise PortInUse(
        f"port {port} on {LOOPBACK} is in use",
        found=", ".join(sorted(set(listeners))) or "a process that cannot be seen from here",
        help="stop that process, or give another port with --port",
    )


def _listeners() -> list:
    try:
        return [c for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    except psutil.AccessDenied:  # macOS shows other processes' sockets to root alone
        return []
