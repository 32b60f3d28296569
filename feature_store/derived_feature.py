"""What a derived feature is, and the decorator that registers the functions of `derived.py`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from recomart.errors import ExtensionError

REQUEST_COLUMN = "as_of"
PRIOR = "prior"
"""The parameters of a derived feature that are no stored columns: the instant that is asked about,
and the shop's prior."""

PREFIXES = {
    "user_category_": ("user_category_", "user_"),
    "user_": ("user_",),
    "product_": ("product_",),
}
"""How the name of a derived feature begins, and how those of its inputs do: a feature belongs to a
user, to a product, or to a user and a category, and is computed once for each of them."""

Column = npt.NDArray[np.float64]
"""(n,) values, NaN where missing. Times are whole seconds since 1970."""

F = TypeVar("F", bound=Callable[..., Column])


@dataclass(frozen=True)
class Prior:
    """The constant prior of a product's mean rating: `weight` ratings of value `rating`.

    `rating` is NaN for a shop without a rating scale.
    """

    rating: float
    weight: float


@dataclass(frozen=True)
class DerivedFeature:
    """A feature that is computed at the lookup. It is a double.

    Args:
        inputs: the stored columns that it is computed from, in the order of its parameters.
        parameters: all of them: `inputs`, and `as_of` and `prior` where the function takes them.
        description: the first paragraph of the function's docstring.
        unit: what its docstring says behind `Unit:`.
        where: file and line of the function.
    """

    name: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    description: str
    unit: str
    function: Callable[..., Column]
    where: str


_registered: dict[str, DerivedFeature] = {}


def derived(function: F) -> F:
    """Register a function as a derived feature of its own name.

    Its parameters name the stored columns that it takes; `as_of` and `prior` may be among them.
    Each is a `Column`, but for `prior`, which is a `Prior`; so is the result.

    Raises:
        ExtensionError: it lacks a description, a unit or an input, its name does not begin as it
            must, or another feature has it.
    """
    feature = _feature_of(function)
    other = _registered.get(feature.name)
    if other is not None and other.where != feature.where:
        raise ExtensionError(
            f'two functions are the derived feature "{feature.name}"',
            where=feature.where,
            found=f"the other one is at {other.where}",
            help="give one of them another name",
        )
    _registered[feature.name] = feature
    return function


def registered() -> Mapping[str, DerivedFeature]:
    """The features that are registered so far; `derivation.derived_features` has all of them."""
    return _registered


def _feature_of(function: Callable[..., Column]) -> DerivedFeature:
    name, code = function.__name__, function.__code__
    where = f"{code.co_filename}:{code.co_firstlineno}"
    parameters = tuple(inspect.signature(function).parameters)
    inputs = tuple(p for p in parameters if p not in (REQUEST_COLUMN, PRIOR))
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    description = " ".join(paragraphs[0].split())
    units = [p.removeprefix("Unit:").strip() for p in paragraphs[1:] if p.startswith("Unit:")]
    begins = next((prefix for prefix in PREFIXES if name.startswith(prefix)), None)

    def refuse(message: str, help: str, found: str | None = None) -> ExtensionError:
        return ExtensionError(
            f'the derived feature "{name}" {message}', where=where, found=found, help=help
        )

    if not description or description.startswith("Unit:"):
        raise refuse(
            "has no description",
            "write a docstring: what the feature is, and when it is undefined, in its first "
            "paragraph",
        )
    if not units or not units[0]:
        raise refuse("has no unit", "end its docstring with a paragraph as 'Unit: days.'")
    if begins is None:
        raise refuse(
            "does not say what it belongs to", f"begin its name with {', '.join(PREFIXES)}"
        )
    if not inputs:
        raise refuse(
            "is made from nothing", "name the stored columns that it takes as its parameters"
        )
    strange = [column for column in inputs if not column.startswith(PREFIXES[begins])]
    if strange:
        near = get_close_matches(strange[0], (REQUEST_COLUMN, PRIOR), n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise refuse(
            f"takes columns of something else than its name, {begins}..., says",
            f"{guess}A feature is computed from columns whose names begin with "
            f"{' or '.join(PREFIXES[begins])}",
            found=", ".join(strange),
        )
    return DerivedFeature(
        name, inputs, parameters, description, " ".join(units[0].split()), function, where
    )
