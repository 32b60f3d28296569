"""A copy of this checkout that a test changes as a contributor would, and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from recomart.settings import PROJECT_ROOT, Settings


@dataclass
class Checkout:
    """The repository's files in a folder of their own, and which of them were changed.

    Args:
        root: the folder.
        changed: paths of the files that were changed or added, relative to `root`.
    """

    root: Path
    changed: set[str] = field(default_factory=set)

    @classmethod
    def copy_to(cls, root: Path) -> Checkout:
        """Copy what git tracks, and what it would: no lakes, no environment."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=PROJECT_ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            source, target = PROJECT_ROOT / name, root / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        return cls(root)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace the only occurrence of a text in a file."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times: {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.changed.add(file)

    def append(self, file: str, text: str) -> None:
        """Add a text to the end of a file."""
        path = self.root / file
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        self.changed.add(file)

    def add(self, file: str, text: str) -> None:
        """Add a file."""
        path = self.root / file
        assert not path.exists(), f"{file} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.changed.add(file)

    def python(self, *arguments: str, settings: Settings) -> subprocess.CompletedProcess[str]:
        """Run Python with the copy's code on a lake; what it printed is in the result."""
        environment = {**os.environ, **settings.environment(), "PYTHONPATH": str(self.root)}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def recomart(self, *arguments: str, settings: Settings) -> subprocess.CompletedProcess[str]:
        """Run a `recomart` command with the copy's code on a lake."""
        code = "from orchestration.cli import main; main()"
        return self.python("-c", code, *arguments, settings=settings)
