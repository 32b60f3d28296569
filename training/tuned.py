"""What tuning found, kept per lake: every try, and the best parameters of each kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recomart.errors import NotReady
from recomart.settings import Settings

FOLDER, TRIES = "tuning", "tries.jsonl"


@dataclass(frozen=True)
class Try:
    """Parameters of a kind, and what they were worth.

    Args:
        kind: its name.
        parameters: that were tried.
        ndcg: nDCG@10 on the validation case; None for a fit that found too little to learn from.
        snapshot: the hash of the features that they were tried on.
        seconds: that the fit and its measure took.
    """

    kind: str
    parameters: Mapping[str, Any]
    ndcg: float | None
    snapshot: str
    seconds: float


def tries_file(settings: Settings) -> Path:
    """Where a lake keeps its tries: one JSON object a line, in the order in which they were made."""
    return settings.lake / FOLDER / TRIES


def read_tries(settings: Settings) -> list[Try]:
    """All tries so far; a last line that a killed run cut off is left out.

    Raises:
        NotReady: another line is not what `add_try` writes.
    """
    path = tries_file(settings)
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    whole, rest = lines[:-1], lines[-1]
    found = []
    for number, line in enumerate(whole, start=1):
        try:
            found.append(Try(**json.loads(line)))
        except (ValueError, TypeError) as exc:
            raise NotReady(
                f"{path.name}, line {number} is not a try of tuning",
                where=f"{path}:{number}",
                found=line[:120],
                help="remove the line, or the file to tune from the beginning",
            ) from exc
    if rest:
        path.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
    return found


def add_try(settings: Settings, one: Try) -> None:
    """Append a try; it is there as soon as this returns."""
    path = tries_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(one), sort_keys=True) + "\n")


def best_parameters(settings: Settings) -> dict[str, Mapping[str, Any]]:
    """By kind, the parameters with the highest nDCG@10 on the snapshot that was tuned on last."""
    tries = [one for one in read_tries(settings) if one.ndcg is not None]
    if not tries:
        return {}
    newest = tries[-1].snapshot
    best: dict[str, Try] = {}
    for one in tries:
        if one.snapshot == newest and (
            one.kind not in best or (one.ndcg or 0.0) > (best[one.kind].ndcg or 0.0) + 1e-9
        ):
            best[one.kind] = one
    return {kind: one.parameters for kind, one in best.items()}
