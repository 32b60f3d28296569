"""A copy of the checkout that a test extends as a contributor would, and what it then runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from recomart.settings import PROJECT_ROOT, Settings

PIECES = Path(__file__).parent / "pieces"
"""The files that tests add to a checkout, or insert into its files."""


class Checkout:
    """A copy of all files that git tracks or would add. Its packages are imported from there.

    Args:
        root: where to copy to; made if it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._originals = {name: (PROJECT_ROOT / name).read_bytes() for name in _files()}
        for name in self._originals:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, target)

    def add(self, name: str, piece: str) -> None:
        """Add a new file with the content of a piece."""
        target = self.root / name
        assert not target.exists(), f"{name} exists already"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PIECES / piece, target)

    def insert(self, name: str, text: str, *, before: str) -> None:
        """Insert a text before another one, which the file contains once."""
        self.replace(name, before, text + before)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text that the file contains once."""
        path = self.root / name
        content = path.read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{name} contains {old!r} {content.count(old)} times"
        path.write_text(content.replace(old, new), encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        """Add a text to the end of a file."""
        with open(self.root / name, "a", encoding="utf-8") as handle:
            handle.write(text)

    def changed(self) -> set[str]:
        """The files that are new or different; not what a run writes outside the source folders."""
        different = {
            name
            for name, content in self._originals.items()
            if (self.root / name).read_bytes() != content
        }
        folders = {name.partition("/")[0] for name in self._originals if "/" in name}
        there = {
            path.relative_to(self.root).as_posix()
            for folder in folders
            for path in (self.root / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        return different | (there - self._originals.keys())

    def recomart(
        self, *argv: str, settings: Settings | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `recomart ...` with the copy's code."""
        return self.python("-m", "orchestration", *argv, settings=settings, **environment)

    def python(
        self, *argv: str, settings: Settings | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with the copy's code, on the lake of `settings`."""
        lake = settings.environment() | {"RECOMART_PROJECT": str(self.root)} if settings else {}
        return self.run(sys.executable, *argv, **lake | environment)

    def run(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy's folder."""
        return subprocess.run(
            argv,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "200", **environment},
            capture_output=True,
            text=True,
            timeout=280,
        )

    def make_venv(self) -> None:
        """Write what the Makefile expects in `.venv`, so that make runs and installs nothing."""
        bin_folder = self.root / ".venv" / "bin"
        bin_folder.mkdir(parents=True)
        recomart = bin_folder / "recomart"
        recomart.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m orchestration "$@"\n')
        recomart.chmod(0o755)
        (bin_folder / "python").symlink_to(sys.executable)
        for stamp in (bin_folder / "uv", bin_folder.parent / ".run", bin_folder.parent / ".dev"):
            stamp.touch()


def _files() -> set[str]:
    """Files that git tracks, and new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return {name for name in listed if name and (PROJECT_ROOT / name).is_file()}
