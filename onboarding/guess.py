"""A guess: a table that seems to hold an entity, and how its columns are mapped."""

from __future__ import annotations

from dataclasses import dataclass, field

from onboarding.joins import Join
from onboarding.left_out import Left
from onboarding.order_lines import Cancelling
from onboarding.tables import Table

DERIVED = {"event_id", "order_id", "line_no"}
"""Required columns that can be made from others."""


@dataclass(frozen=True)
class Choice:
    """One line of a mapping: our column, its value in the YAML, and why."""

    ours: str
    column: str | None
    """The source's column; None where the line is made from several, or from none."""
    yaml: object
    """A name, or a mapping such as {hash_of: [a, b]}."""
    reason: str
    doubt: str | None = None


@dataclass
class Guess:
    """A table that seems to hold an entity."""

    entity: str
    table: Table
    score: float
    choices: dict[str, Choice]
    missing: dict[str, str] = field(default_factory=dict)
    """Our column that must be there -> what is known about it."""
    time_format: str | None = None
    time_doubt: str | None = None
    join: Join | None = None
    """The table that the records are joined with."""
    made_from: str | None = None
    """The entity whose table also holds this list."""
    cancelling: Cancelling | None = None
    """The lines that take a purchase back."""
    fill_down: tuple[str, ...] = ()
    """The columns that only the first line of an order has."""
    where: tuple[Left, ...] = ()
    """The records that the shop leaves out."""
    unfit: dict[str, str] = field(default_factory=dict)
    """A column of the source -> why it is not what its name says."""

    def column_of(self, ours: str) -> str | None:
        """The source's column that a canonical one is read from."""
        choice = self.choices.get(ours)
        return choice.column if choice else None
