"""A copy of the checkout that a test may extend: files are added or changed, commands run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from recomart.settings import PROJECT_ROOT, TELEMETRY_OFF

PIECES = Path(__file__).parent / "pieces"


@dataclass(frozen=True)
class Checkout:
    """The copy at `path`. Its packages are imported from there, not from this checkout."""

    path: Path

    @classmethod
    def copied_to(cls, path: Path) -> Checkout:
        """A copy of every file that git knows, or would take."""
        for name in _files():
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, target)
        return cls(path)

    def add(self, piece: str, name: str) -> None:
        """Add a file of tests/extending/pieces/ under a new name."""
        target = self.path / name
        assert not target.exists(), f"{name} is there already"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PIECES / piece, target)

    def insert(self, name: str, before: str, text: str) -> None:
        """Insert a text into a file, before another one that it holds once."""
        file = self.path / name
        whole = file.read_text(encoding="utf-8")
        assert whole.count(before) == 1, f"{name} holds {before!r} {whole.count(before)} times"
        file.write_text(whole.replace(before, text + before), encoding="utf-8")

    def changed(self) -> list[str]:
        """The files that are new, or differ from this checkout's; not what a run made."""
        known = _files()
        changed = [
            n for n in known if (self.path / n).read_bytes() != (PROJECT_ROOT / n).read_bytes()
        ]
        folders = {name.partition("/")[0] for name in known if "/" in name}
        added = [
            path.relative_to(self.path).as_posix()
            for folder in sorted(folders)
            for path in (self.path / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        ]
        return sorted({*changed, *(name for name in added if name not in known)})

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy; `environment` is on top of a bare one."""
        bare = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env=bare | TELEMETRY_OFF | {"PYTHONPATH": str(self.path)} | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def recomart(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a verb in the copy."""
        return self.python("-m", "orchestration", *arguments, **environment)


def _files() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {name for name in listed if (PROJECT_ROOT / name).is_file()}
