"""A copy of the checkout that a test extends as a contributor would, and what it then runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from recomart.settings import PROJECT_ROOT

PIECES = PROJECT_ROOT / "tests" / "extending"
"""The files that tests add to a checkout; docs/extending.md shows them."""


class Checkout:
    """A copy of all files that git knows or would add, with a `.venv` that runs the copy's code.

    Args:
        folder: where to copy to; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self._originals = {name: (PROJECT_ROOT / name).read_bytes() for name in _files()}
        for name in self._originals:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, target)
        self._make_venv()

    def add(self, name: str, piece: str) -> None:
        """Add a new file with the content of `tests/extending/<piece>`."""
        target = self.root / name
        assert not target.exists(), f"{name} exists already"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PIECES / piece, target)

    def insert(self, name: str, piece: str, *, before: str) -> None:
        """Insert the content of `tests/extending/<piece>` before the one line that is `before`."""
        path = self.root / name
        lines = path.read_text().splitlines(keepends=True)
        (place,) = (number for number, line in enumerate(lines) if line == f"{before}\n")
        lines.insert(place, (PIECES / piece).read_text())
        path.write_text("".join(lines))

    def changed(self) -> set[str]:
        """Files of the repository whose content is not as it was."""
        return {
            name
            for name, content in self._originals.items()
            if (self.root / name).read_bytes() != content
        }

    def recomart(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `recomart ...` of the copy."""
        return self.run(sys.executable, "-m", "orchestration", *argv, **environment)

    def python(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a piece of Python that imports the copy's packages."""
        return self.run(sys.executable, "-c", code, **environment)

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

    def _make_venv(self) -> None:
        """What the Makefile expects of `.venv`, newer than its requirements: it installs nothing."""
        bin_folder = self.root / ".venv" / "bin"
        bin_folder.mkdir(parents=True)
        recomart = bin_folder / "recomart"
        recomart.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m orchestration "$@"\n')
        recomart.chmod(0o755)
        (bin_folder / "python").symlink_to(sys.executable)
        for stamp in (bin_folder / "uv", bin_folder.parent / ".run", bin_folder.parent / ".dev"):
            stamp.touch()


def _files() -> list[str]:
    """Files that git tracks, and new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [name for name in listed if name and (PROJECT_ROOT / name).is_file()]
