"""Bringing your own shop: a guess at its shop file, and a check of the file before a load."""

from __future__ import annotations

import re
from pathlib import Path

from onboarding.check import check
from onboarding.draft import Draft
from onboarding.relations import guesses_of, joined_lines, translate
from onboarding.tables import tables_in
from recomart.errors import SourceMissing
from recomart.shop.entities import ENTITIES

__all__ = ["Draft", "check", "init"]


def init(folder: Path, name: str | None = None) -> Draft:
    """A guess at the shop whose files lie in a folder; nothing is written yet.

    Only samples of large files are read. `Draft.write(path)` writes the commented YAML,
    `Draft.notes` says what to look at.

    Args:
        name: the shop's name, which names its file and lake; the folder's by default.

    Raises:
        SourceMissing: there is no such folder, or no file in it that holds a table.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise SourceMissing(
            f"there is no folder {folder}",
            code="missing-folder",
            found="a file" if folder.exists() else "nothing there",
            help="name the folder that holds the shop's files",
        )
    tables, unread = tables_in(folder)
    if not tables:
        raise SourceMissing(
            f"no file in {folder} holds a table",
            code="missing-files",
            found=", ".join(f"{one.name} ({one.why})" for one in unread[:8]) or "no files",
            help="RecoMart reads CSV, JSON lines and Parquet, each also as .gz but the last",
        )
    guesses = guesses_of(tables)
    guesses += joined_lines(tables, guesses)
    translate(tables, guesses)
    guesses.sort(key=lambda guess: list(ENTITIES).index(guess.entity))
    used = {id(guess.table) for guess in guesses}
    used |= {id(table) for g in guesses if g.join for table in (g.join.table, g.join.other)}
    shop = re.sub(r"[^a-z0-9]+", "_", (name or folder.name).lower()).strip("_") or "shop"
    unused = tuple(
        table
        for table in tables
        if id(table) not in used and not any(table.is_around(guess.table) for guess in guesses)
    )
    return Draft(shop, folder, tuple(guesses), unused, tuple(unread))
