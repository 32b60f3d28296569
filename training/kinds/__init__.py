"""The kinds of model: one module each, found by name, compared by one rule.

To add a kind, write a module here that assigns `KIND` (docs/extending.md). It is then trained,
compared, tracked, registered and served like the others. `popularity.py` is the shortest example.

A fitted model has arrays over the products' index and over the users' index with one spare row at
the end, so that the position -1 (an unknown user) falls on the row of a user without history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from recomart.registry import Registry
from recomart.step import Progress
from training.fit_task import FitTask
from training.kinds._stored import Stored
from training.model import Model


class Fit(NamedTuple):
    """What fitting gave.

    Args:
        model: fitted.
        stages: the model after each of `FitTask.stops` passes; empty for kinds without passes.
    """

    model: Model
    stages: tuple[Model, ...] = ()


class Kind(Protocol):
    """One kind of model.

    Args:
        name: in MLflow, in artifacts and on the screen.
        complexity: of two kinds that rank equally well, the one with the lower number is champion.
        reads: the published tables that it learns from.
        builds_on: the kinds whose models, fitted at the same cut, it takes. A kind that builds on
            none learns from labels alone; one that does may also learn from `FitTask.examples`.
        parameters: what it is fitted with, for MLflow.
    """

    @property
    def name(self) -> str: ...

    @property
    def complexity(self) -> int: ...

    @property
    def reads(self) -> tuple[str, ...]: ...

    @property
    def builds_on(self) -> tuple[str, ...]: ...

    @property
    def parameters(self) -> Mapping[str, Any]: ...

    def passes(self, task: FitTask) -> int:
        """How many passes over the labels a fit takes, each reported as progress. A fit with passes
        may run in a process of its own; 0 says that it takes no time worth one."""
        ...

    def fit(self, task: FitTask, *, progress: Progress) -> Fit | None:
        """Fit on what was known at the task's cut; None, with a warning in the log, when there is
        too little to learn from. Equal tasks give equal bits, in whichever process."""
        ...

    def store(self, model: Any) -> Stored:
        """A model of this kind as arrays, JSON and text."""
        ...

    def restore(self, stored: Stored) -> Model:
        """The inverse of `store`."""
        ...


KINDS: Registry[Kind] = Registry(
    "kind of model",
    "training.kinds",
    "KIND",
    Kind,  # type: ignore[type-abstract]  # only its members' names are read
)


def simplest_first() -> list[Kind]:
    """All kinds, the simplest first. A kind comes after those that it builds on.

    Raises:
        UnknownName: a kind builds on one that does not exist.
    """
    for kind in KINDS:
        for other in kind.builds_on:
            KINDS.get(other, where=f"the kind {kind.name} builds on it")
    return sorted(KINDS, key=lambda kind: (bool(kind.builds_on), kind.complexity, kind.name))
