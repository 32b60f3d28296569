"""docs/your-own-shop.md, followed word for word: its commands run, and print what it shows."""

import difflib
import os
import re
import subprocess
from pathlib import Path

import pytest

from recomart import processes
from recomart.settings import PROJECT_ROOT, load_settings

DOCUMENT = PROJECT_ROOT / "docs" / "your-own-shop.md"
BLOCK = re.compile(
    r"^```sh\n(?P<commands>.*?)^```\n(?:\n^```text\n(?P<shown>.*?)^```\n)?", re.M | re.S
)
HOME, LAKE = "/home/you", "/home/you/RecoMart/recomart_lake/gartenladen"
MASKS = [
    (r"^ … \w+ +\d+s.*\n", ""),  # heartbeats of a busy machine
    (r"\x1b\[[0-9;]*m", ""),
    (r"\b[0-9a-f]{8,64}\b", "<id>"),
    (r"\d{8}T\d{6}Z?-", "<time>-"),
    (r"\d+\.\d+ ?s\b", "<seconds>"),
    (r"-?\d+\.\d{3}\b", "<score>"),
    (r"[\d,]+ (models|tests|pages|plots)\b", r"<count> \1"),
    (r"publish +[\d,]+ rows", "publish <count> rows"),
    (r"[\d,]+ rows online, [\d,]+ written", "<count> rows online"),
    (r"champion \w+ v\d+", "champion <model>"),
    (r"· \w+, model version \d+", "· <model>"),
    (r"/home/[^ ]*\.venv", "<venv>"),
    (r"[ ]+", " "),
    (r" +\n", "\n"),
]
"""What differs from run to run, or is not this page's to promise."""


def masked(text: str) -> str:
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text, flags=re.M)
    return text.strip()


def agrees(shown: str, printed: str) -> bool:
    """Whether the printed text is the shown one, where a line `...` stands for any lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.$", shown, flags=re.M)]
    return re.fullmatch(r".*".join(parts), printed, flags=re.S) is not None


@pytest.mark.slow
def test_the_page_runs_and_prints_what_it_shows(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    environment = {
        # A reader's shell: no settings of ours, and not below another make, which would have
        # the page's `make pipeline` say which directory it enters.
        **{
            k: v for k, v in os.environ.items() if not k.startswith(("RECOMART_", "MAKE", "MFLAGS"))
        },
        "HOME": str(tmp_path),
        "RECOMART_LAKE": str(lake),
        "PATH": f"{PROJECT_ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "200",
    }
    blocks = list(BLOCK.finditer(DOCUMENT.read_text(encoding="utf-8")))
    assert sum(block["shown"] is not None for block in blocks) >= 6
    exports = ""
    shop = str(tmp_path / "gartenladen" / "gartenladen.yml")
    try:
        for block in blocks:
            commands, shown = block["commands"], block["shown"] or ""
            done = subprocess.run(
                ["bash", "-c", f"set -e\n{exports}{commands}"],
                cwd=PROJECT_ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=240,
            )
            exports += "".join(re.findall(r"^export .*\n", commands, flags=re.M))
            printed = done.stdout.replace(str(lake), LAKE).replace(str(tmp_path), HOME)
            assert done.returncode == ("error[" in shown), f"{commands}\n{printed}"
            if block["shown"] is not None and not agrees(masked(shown), masked(printed)):
                lines = difflib.unified_diff(
                    masked(shown).splitlines(), masked(printed).splitlines(), "shown", "printed"
                )
                pytest.fail(f"{commands}\n" + "\n".join(lines))
    finally:
        processes.stop_all(load_settings(shop=shop, lake=lake))
