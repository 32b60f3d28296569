"""The kinds of model: one module each, found by name, compared by one rule.

To add a kind, write a module here that assigns `KIND` (docs/extending.md). It is then trained,
compared, tracked, registered and served like the others. `history.py` is the shortest example.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

from recomart.registry import Registry
from recomart.step import Progress
from training.fit_task import FitTask
from training.kinds._stored import Stored
from training.model import Model

Role = Literal["source", "stars", "combiner"]


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
        role: a `source` proposes candidates to the combiners. A model of `stars` predicts ratings;
            it is compared, but proposes nothing. A `combiner` ranks what the sources of the same
            cut propose, and learns from the labelled pools of earlier windows.
        reads: the published tables that it learns from.
        parameters: what it is fitted with, unless something else was found better.
        tries: sets of parameters that every training compares on the validation window.
        space: for each parameter that tuning may change, the values it may take.
    """

    @property
    def name(self) -> str: ...

    @property
    def complexity(self) -> int: ...

    @property
    def role(self) -> Role: ...

    @property
    def reads(self) -> tuple[str, ...]: ...

    @property
    def parameters(self) -> Mapping[str, Any]: ...

    @property
    def tries(self) -> tuple[Mapping[str, Any], ...]: ...

    @property
    def space(self) -> Mapping[str, tuple[Any, ...]]: ...

    def passes(self, task: FitTask) -> int:
        """How many passes over the labels a fit takes, each reported as progress. A fit with passes
        may run in a process of its own; 0 says that it takes no time worth one."""
        ...

    def fit(
        self, task: FitTask, parameters: Mapping[str, Any], *, progress: Progress
    ) -> Fit | None:
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
    """All kinds, the simplest first. Combiners come after what they combine."""
    return sorted(KINDS, key=lambda kind: (kind.role == "combiner", kind.complexity, kind.name))
