"""Every command that the documents show is run in test_pipeline.py, or in a test named here."""

import re
import subprocess

from recomart.settings import PROJECT_ROOT

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


def commands_to_run() -> list[str]:
    """The documented commands that no test of their own runs."""
    return [
        command
        for command in commands()
        if command not in RUN_ELSEWHERE and not command.startswith("git clone")
    ]


def test_documents_name_only_targets_that_exist() -> None:
    listed = subprocess.run(["make"], cwd=PROJECT_ROOT, capture_output=True, text=True).stdout
    targets = set(re.findall(r"^  make ([a-z-]+) ", listed, re.M))
    for document in (*DOCUMENTS, "docs/shops.md", "docs/simulator.md", "docs/extending.md"):
        named = set(re.findall(r"`make ([a-z-]+)", (PROJECT_ROOT / document).read_text()))
        assert named <= targets, document
