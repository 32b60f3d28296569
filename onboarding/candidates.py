"""Which entity a table may hold, and which of its columns is which canonical column."""

from __future__ import annotations

from onboarding.fits import FITS, Evidence, Fit, fit
from onboarding.guess import DERIVED, Choice, Guess
from onboarding.names import concepts_of, file_likeness
from onboarding.settlement import settle
from onboarding.tables import Table
from recomart.shop.entities import ENTITIES, REQUIRED

HAS_FILE_NAME = 0.35


def guess_of(table: Table, entity: str, evidence: Evidence) -> Guess | None:
    """The table as one of an entity; None when too much speaks against it."""
    if table.layout.each is not None and entity in ("users", "products"):
        return None
    fits = assigned(table, entity, evidence)
    wanted = [ours for ours in REQUIRED[entity] if ours not in DERIVED]
    found = {ours: fits[ours] for ours in wanted if ours in fits}
    absent = [ours for ours in wanted if ours not in fits]
    named = file_likeness(table.words, entity)
    score = sum(f.score for f in found.values()) / len(wanted) + HAS_FILE_NAME * named
    score += 0.04 * (len(fits) - len(found))
    if entity in ("users", "products"):
        if not named and any(file_likeness(table.words, other) == 1 for other in ENTITIES):
            return None
        if absent or _refers_elsewhere(table, entity, fits) or (not named and len(fits) < 2):
            return None
    elif not _is_log(entity, fits, absent, named):
        return None
    choices = {
        ours: Choice(ours, f.name, changed(f), f.reason, f.doubt)
        for ours in ENTITIES[entity]
        if (f := fits.get(ours))
    }
    guess = Guess(entity, table, score, choices)
    if table.layout.totals:
        guess.where = (table.layout.totals,)
    settle(guess)
    guess.missing |= {
        ours: _what_is_there(guess, ours) for ours in absent if ours not in guess.choices
    }
    order = ENTITIES[entity]
    guess.choices = dict(sorted(guess.choices.items(), key=lambda item: order.index(item[0])))
    return guess


def changed(found: Fit) -> object:
    """The YAML of a column, with the change of its values if they need one."""
    return {"column": found.name, **found.change} if found.change else found.name


def assigned(table: Table, entity: str, evidence: Evidence) -> dict[str, Fit]:
    """Our columns with the source's, the best fits first, each of either once."""
    found = [
        (ours, f)
        for ours in ENTITIES[entity]
        for column in table.columns.values()
        if (f := fit(table, column, ours, entity, evidence)) and f.score >= FITS
    ]
    required = REQUIRED[entity]
    places = list(table.columns)
    found.sort(
        key=lambda pair: (-pair[1].score, pair[0] not in required, places.index(pair[1].name))
    )
    taken: dict[str, Fit] = {}
    for ours, f in found:
        if ours not in taken and all(other.name != f.name for other in taken.values()):
            taken[ours] = f
    return taken


def _refers_elsewhere(table: Table, entity: str, fits: dict[str, Fit]) -> bool:
    """Whether a would-be list names the other kind: then its rows are deeds, and no things."""
    other = "product" if entity == "users" else "user"
    return table.layout.header and any(
        concepts_of(name)[:1] == (other,) and "id" in (*concepts_of(name), "id")
        for name in table.columns
        if all(f.name != name for f in fits.values())
    )


def _is_log(entity: str, fits: dict[str, Fit], absent: list[str], named: float) -> bool:
    if "user_id" in absent or ("product_id" not in fits and entity != "events"):
        return False
    if entity == "ratings":
        return "rating" in fits
    if entity == "transactions":
        bought = {"order_id", "quantity", "unit_price"} & set(fits)
        return "ordered_at" in fits and (bool(bought) or named > 0.5)
    of_one_kind = "product_id" in fits and named > 0
    return "occurred_at" in fits and ("event_type" in fits or of_one_kind)


def _what_is_there(guess: Guess, ours: str) -> str:
    if ours.endswith("_at"):
        return f"no column of {guess.table.shown} holds times"
    return f"no column of {guess.table.shown} looks like it"
