"""Background processes that RecoMart starts and stops, each with a record in `<lake>/run`."""

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
from typing import Any

import psutil

from recomart.errors import PortInUse
from recomart.files import replace_text
from recomart.locks import waiting_for
from recomart.settings import Settings
from recomart.waiting import wait_until

LOOPBACK = "127.0.0.1"

_WAIT_FOR_GO = 'read -r go && exec "$@" < /dev/null'
"""Runs the command after it reads a line from stdin, and exits if stdin closes first."""


@dataclass(frozen=True)
class Process:
    """A process that RecoMart started. `created` distinguishes it from a later one with its pid."""

    name: str
    pid: int
    created: float
    port: int

    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1.0
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
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

    The command runs only after its record is written, so that `recomart down` always finds it.

    Args:
        environment: variables for the child, on top of this process's own.
    """
    settings.logs.mkdir(parents=True, exist_ok=True)
    with open(settings.logs / f"{name}.log", "ab") as log:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _WAIT_FOR_GO, name, *argv],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    process = Process(name, child.pid, psutil.Process(child.pid).create_time(), port)
    replace_text(_record(settings, name), json.dumps(asdict(process)) + "\n")
    assert child.stdin is not None
    with suppress(BrokenPipeError), child.stdin as stdin:  # the child may be dead already
        stdin.write(b"go\n")
    return process


@contextmanager
def registered(settings: Settings, name: str) -> Iterator[None]:
    """Keep a record of the current process while the block runs, so that `recomart down` stops it."""
    created = psutil.Process().create_time()
    record = Process(name, os.getpid(), created, 0)
    replace_text(_record(settings, name), json.dumps(asdict(record)) + "\n")
    try:
        yield
    finally:
        if recorded(settings, name) == record:
            _record(settings, name).unlink(missing_ok=True)


def log_tail(settings: Settings, name: str, lines: int = 1) -> str:
    """The last lines of a process's log, or a note that the log is empty."""
    log = settings.logs / f"{name}.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n         ".join(text.splitlines()[-lines:]) or "its log is empty"


def stop(settings: Settings, name: str, timeout: float = 10.0) -> Process | None:
    """Stop the process of this name (SIGTERM, then SIGKILL). Returns it, or None if none was alive."""
    process = running(settings, name)
    if process:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).terminate()
            if not _gone(process, timeout):
                psutil.Process(process.pid).kill()
                _gone(process, timeout)
    return process


def _gone(process: Process, timeout: float) -> bool:
    """Wait until a process has ended. A zombie counts as ended; psutil's own wait would not return
    before its parent collects it."""
    return bool(wait_until(lambda: not process.alive(), timeout, poll=0.02))


def stop_all(settings: Settings) -> list[Process]:
    """Stop every process that this lake has a record of, and return those that were alive.

    The Redis server stops last, because processes that write to it would wait for it or restart it.
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
    """Whether a server could bind `port` on loopback now."""
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
    """A free port, reserved among this user's RecoMart processes while the block starts a server.

    Without it, two lakes that start at once would find the same port free. The slower server would
    fail, and its client would connect to the other lake's server.
    """
    path = Path(tempfile.gettempdir()) / f"recomart-ports-{os.getuid()}.lock"
    with waiting_for(path):
        yield free_port(preferred)


def require_port(port: int) -> None:
    """Check that `port` on loopback can be bound.

    Raises:
        PortInUse: it cannot; names the PID that listens there, if this user may see it.
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
        found=", ".join(sorted(set(listeners))) or "a process of another user",
        help="stop that process, or choose another port with --port",
    )


def _listeners() -> list[Any]:
    try:
        return [c for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    except psutil.AccessDenied:  # macOS shows other processes' sockets only to root
        return []
