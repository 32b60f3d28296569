"""Every command that the documents show is run here, or in the test that this file names."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from recomart.settings import PROJECT_ROOT, Settings

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
RUN_ELSEWHERE = {
    "make setup": "the Makefile's own stamp: this test runs inside of what it makes",
    "make test": "is what runs now",
    "make lint": ".ci/run",
    "make unit": "part of what runs now",
    "make fmt": "rewrites the checkout; make lint fails where it would",
    "make pipeline": "tests/e2e/test_pipeline.py",
    "RECOMART_SHOP=movielens_100k RECOMART_DATA=data make pipeline": "tests/e2e/test_movielens.py",
    "make bench": "benchmarks/ (each at a small size in tests/integration/benchmarks)",
    "make stream": "until Ctrl-C: tests/e2e/test_stream_in_pipeline.py",
    "make mlflow": "a server: tests/e2e/test_servers.py",
    "make ui": "a server: tests/e2e/test_servers.py",
    "make clean": "deletes the user's own lakes",
    "git clone": "what a clone has is what git has",
}


def commands() -> list[str]:
    """The lines of the documents' `sh` blocks, without their comments."""
    found = []
    for document in DOCUMENTS:
        text = (PROJECT_ROOT / document).read_text()
        for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S):
            for line in block.splitlines():
                command = re.sub(r"\s+#.*$", "", line).strip()
                if command:
                    found.append(command)
    return list(dict.fromkeys(found))


def is_run_elsewhere(command: str) -> bool:
    return any(command == known or command.startswith("git clone") for known in RUN_ELSEWHERE)


def test_documents_name_only_targets_that_exist() -> None:
    listed = subprocess.run(["make"], cwd=PROJECT_ROOT, capture_output=True, text=True).stdout
    targets = set(re.findall(r"^  make ([a-z-]+) ", listed, re.M))
    for document in (*DOCUMENTS, "docs/shops.md", "docs/simulator.md", "docs/extending.md"):
        named = set(re.findall(r"`make ([a-z-]+)", (PROJECT_ROOT / document).read_text()))
        assert named <= targets, document


@pytest.mark.slow
def test_documented_commands_work(demo_lake: Settings, tmp_path: Path) -> None:
    from orchestration.output.recommendations import example_user

    environment = {
        **os.environ,
        **demo_lake.environment(),
        "PATH": f"{PROJECT_ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "DBT_TARGET_PATH": str(tmp_path / "target"),
    }
    to_run = [command for command in commands() if not is_run_elsewhere(command)]
    assert to_run
    for command in to_run:
        words = command.replace("<user id>", shlex.quote(example_user(demo_lake)))
        done = subprocess.run(
            ["bash", "-c", words],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
