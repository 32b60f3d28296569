from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recomart.locks import LockTaken, at_once, try_lock, waiting_for

HOLDER = """
import sys
from pathlib import Path
from recomart.locks import at_once
with at_once(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_lock_that_another_process_has_names_it(tmp_path: Path) -> None:
    path = tmp_path / "run" / "x.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(LockTaken) as caught, at_once(path):
            pass
        assert caught.value.pid == str(other.pid)
        other.communicate()
    with at_once(path):
        assert path.read_text() == str(os.getpid())


def test_a_lock_is_free_after_its_block(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with waiting_for(path), open(path) as handle:
        assert not try_lock(handle)
    with open(path) as handle:
        assert try_lock(handle)
