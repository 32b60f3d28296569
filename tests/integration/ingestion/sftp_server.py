"""A small SFTP server on loopback, by paramiko: one folder, one user."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko

USER, PASSWORD = "shop", "hunter2"


class _Login(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        known = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Folder(paramiko.SFTPServerInterface):
    root: Path

    def __init__(self, server: Any, *args: Any, root: Path, **options: Any) -> None:
        super().__init__(server, *args, **options)
        self.root = root

    def list_folder(self, path: str) -> Any:
        try:
            names = sorted(entry.name for entry in Path(self._real(path)).iterdir())
        except OSError as exc:
            return paramiko.SFTPServer.convert_errno(exc.errno or 0)
        return [self._attributes(self._real(path) / name, name) for name in names]

    def stat(self, path: str) -> Any:
        try:
            return self._attributes(self._real(path))
        except OSError as exc:
            return paramiko.SFTPServer.convert_errno(exc.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        try:
            file = self._real(path).open("rb")
        except OSError as exc:
            return paramiko.SFTPServer.convert_errno(exc.errno or 0)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = file  # type: ignore[attr-defined]  # paramiko's own way
        return handle

    def _real(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @staticmethod
    def _attributes(path: Path, name: str | None = None) -> Any:
        return paramiko.SFTPAttributes.from_stat(path.stat(), name)


@contextmanager
def sftp_server(root: Path) -> Iterator[int]:
    """Serve a folder; gives the port."""
    key = paramiko.ECDSAKey.generate()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return  # the listener was closed
                transport = paramiko.Transport(client)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder, root=root)
                transport.start_server(server=_Login())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield port
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
