"""Every command and option explains itself, and the documentation mentions every command."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.cli.app import PANELS
from recomart.settings import PROJECT_ROOT

NOT_PLAIN = re.compile(r"\b(anew|mend|told|tells?|beside|alone|such a one|so many)\b", re.I)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below this one, with the words that call it."""
    for name, child in getattr(command, "commands", {}).items():
        yield (*path, name), child
        yield from commands(child, (*path, name))


COMMANDS = dict(commands(get_command(app)))
OPTIONS = [(*path, parameter) for path, command in COMMANDS.items() for parameter in command.params]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_a_sentence_of_help(path: tuple[str, ...]) -> None:
    text = COMMANDS[path].help or ""
    assert re.match(r"[A-Z].{15,}\.$", text.splitlines()[0]), text
    assert not NOT_PLAIN.search(text), text


@pytest.mark.parametrize(
    "option", OPTIONS, ids=lambda option: f"{' '.join(option[:-1])} {option[-1].name}"
)
def test_every_option_has_a_sentence_of_help(option: tuple[Any, ...]) -> None:
    text = getattr(option[-1], "help", None) or ""
    assert re.match(r"[A-Z]\S* \S+ .*[^.]$", text), f"{option[:-1]}: {text!r}"
    assert not NOT_PLAIN.search(text), text


def test_every_command_is_in_the_documentation() -> None:
    pages = [PROJECT_ROOT / "README.md", *(PROJECT_ROOT / "docs").rglob("*.md")]
    text = re.sub(r"\s+", " ", "\n".join(page.read_text() for page in pages))
    missing = [
        " ".join(path)
        for path, command in COMMANDS.items()
        if not getattr(command, "commands", None)
        and not re.search(rf"\b(recomart|make) {' '.join(path)}\b", text)
    ]
    assert missing == []


def test_help_groups_the_commands_into_panels_in_order() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"}).output
    places = [shown.index(f"─ {panel} ─") for panel in PANELS]
    assert places == sorted(places)
    top = [command for path, command in COMMANDS.items() if len(path) == 1]
    assert {command.rich_help_panel for command in top} == set(PANELS)
    assert "─ Commands ─" not in shown


def test_version_is_the_installed_one() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"recomart {version('recomart')}\n"


def test_shell_completion_offers_the_verbs() -> None:
    """As bash asks, with the script that `recomart --show-completion bash` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestration"],
        env={
            "PATH": "/usr/bin:/bin",
            "_RECOMART_COMPLETE": "complete_bash",
            "COMP_WORDS": "recomart p",
            "COMP_CWORD": "1",
        },
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["pipeline", "publish"]
    # in a bash of its own: the command looks at the shell that started it, which below make is sh
    command = f"{Path(sys.executable).with_name('recomart')} --show-completion; true"
    shown = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "_RECOMART_COMPLETE=complete_bash" in shown.stdout, shown.stderr
