"""What people read is written as an engineer would say it: some words show that it is not."""

from __future__ import annotations

import re
import subprocess

import pytest

from recomart.settings import PROJECT_ROOT

NOT_SAID = re.compile(
    r"\b(anew|beside|mend(s|ed|ing)?|of ours|rubbish|so many|such a one|tells?|told)\b", re.I
)
"""'Held' and 'stands' are not here: held-out labels and standing for a name are the field's."""

OLD_NAMES = re.compile(
    r"\b(Mischief|Patience|Beside|Tally|own_shop|stream_beside|patience\.py|mischief\.py|"
    r"recomart/(online|asof|derived|feast|known|snapshots)\.py|recomart\.(feast|online|derived)\b|"
    r"feature_repo/(knowledge|held|builds|publish)\.py|ingestion/(demo|mock_api|own_shop)\b)"
)
FROM_BEFORE_THE_MOVE = ("tests/data/before_the_move", "tests/integration/feature_store")


def texts(*patterns: str) -> list[str]:
    """Files of the repository that match one of these pathspecs."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (PROJECT_ROOT / name).is_file()]


def found(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in names
        for number, line in enumerate((PROJECT_ROOT / name).read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize(
    "patterns",
    [("*.md",), ("dbt_project/*.yml", "dbt_project/*.sql", "shops/*.yml"), ("*.py", ":!tests")],
    ids=["pages", "dbt", "code"],
)
def test_texts_are_in_plain_english(patterns: tuple[str, ...]) -> None:
    assert found(NOT_SAID, texts(*patterns)) == []


def test_no_name_from_before_the_move_is_left() -> None:
    names = texts("*.md", "*.py", "*.yml", "*.yaml", "*.sql", "*.toml", "Makefile")
    own = [name for name in names if not name.startswith(FROM_BEFORE_THE_MOVE)]
    own.remove("tests/unit/test_plain_english.py")
    assert found(OLD_NAMES, own) == []
