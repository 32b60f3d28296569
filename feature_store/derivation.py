"""How derived features are registered and computed; the features themselves are in `derived.py`.

One code for Feast's on-demand view (training, `get_online_features`) and for serving: the columns
are those of a feature service with `as_of`, the instant that is asked about.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from feature_store.times import epoch_seconds
from recomart.errors import ExtensionError

if TYPE_CHECKING:
    import pandas as pd  # 0.4 s to import: the online lookup does without

SERVICE = "recommendation_v1"
"""The feature service that models learn from and recommendations are made with."""

FIRST_SERVICE = "recommendation_v1"
"""The service whose on-demand view has no version in its name."""

VIEW = "derived"
REQUEST = "request"
REQUEST_COLUMN = "as_of"
PRIOR = "prior"
"""The parameters of a derived feature that are no stored columns: the instant that is asked about,
and the shop's prior."""

TIME_SUFFIX = "_at"
"""How the name of a stored column ends that is a time."""

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


class _Inputs(Mapping[str, tuple[str, ...]]):
    """The inputs of each derived feature by name, as far as they are registered."""

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return derived_features()[name].inputs

    def __iter__(self) -> Iterator[str]:
        return iter(derived_features())

    def __len__(self) -> int:
        return len(derived_features())


DERIVED_FEATURES: Mapping[str, tuple[str, ...]] = _Inputs()
"""The derived features in order, each with the stored columns that it is made from."""

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


def derived_features() -> Mapping[str, DerivedFeature]:
    """The derived features by name, in the order in which they are written."""
    import_module("feature_store.derived")  # its functions register themselves

    return _registered


def derivable(columns: Collection[str]) -> tuple[str, ...]:
    """The derived features whose inputs are all among these stored columns, in order."""
    return tuple(
        feature.name
        for feature in derived_features().values()
        if all(name in columns for name in feature.inputs)
    )


def derive(features: pd.DataFrame, prior: Prior) -> pd.DataFrame:
    """The derived features that can be made from the columns at hand.

    Args:
        features: (n) rows with stored columns and `as_of`; times are datetimes (naive is UTC) or
            seconds since 1970. Missing values are null.
        prior: of the shop.

    Returns:
        (n) rows with a column for each feature, in order, float64 and NaN where undefined, on the
        index of `features`.
    """
    import pandas as pd

    wanted = {
        name: None
        for feature in derivable(features.columns)
        for name in derived_features()[feature].inputs
    }
    stored: dict[str, Column] = {}
    for name in wanted:
        if name.endswith(TIME_SUFFIX):
            stored[name] = epoch_seconds(features[name])
        else:
            stored[name] = features[name].to_numpy(dtype=np.float64, na_value=np.nan)
    columns = derive_columns(stored, epoch_seconds(features[REQUEST_COLUMN]), prior)
    return pd.DataFrame(columns, index=features.index)


def derive_columns(stored: Mapping[str, Column], as_of: Column, prior: Prior) -> dict[str, Column]:
    """The derived features that can be made from the columns at hand.

    Args:
        stored: (n) float64 columns by name, NaN where missing; times in whole seconds since 1970.
        as_of: (n) seconds since 1970.

    Returns:
        (n) float64 columns by name, in order, NaN where undefined.

    Raises:
        ExtensionError: a feature's function does not return a column.
    """
    given: Mapping[str, Column | Prior] = {**stored, REQUEST_COLUMN: as_of, PRIOR: prior}
    columns = {}
    for name in derivable(stored):
        feature = derived_features()[name]
        column = feature.function(*(given[parameter] for parameter in feature.parameters))
        if np.shape(column) != as_of.shape:
            raise ExtensionError(
                f'the derived feature "{name}" gives no column of {len(as_of)} values',
                where=feature.where,
                found=f"{type(column).__name__} of shape {np.shape(column)}",
                help="compute with NumPy on whole columns, and return one",
            )
        columns[name] = column
    return columns


def view_of(service: str) -> str:
    """The on-demand view of a service: `derived`, and `derived_v2` for `recommendation_v2`."""
    return VIEW if service == FIRST_SERVICE else f"{VIEW}_{service.rpartition('_')[2]}"


def transformation(
    prior: Prior, view: str = VIEW
) -> tuple[Callable[[pd.DataFrame], pd.DataFrame], str]:
    """The function of Feast's on-demand view and its source, with the shop's prior written in.

    Feast runs a registered view from its source text, and takes two views with equal text for
    the same: so the prior has to be in the text, and not in a closure.
    """
    # repr of a float has 'nan' for NaN, which is not an expression
    source = (
        f"def {view}(inputs):\n"
        "    from feature_store.derivation import Prior, derive\n"
        f"    prior = Prior(rating=float('{prior.rating!r}'), weight={prior.weight!r})\n"
        "    return derive(inputs, prior)\n"
    )
    namespace: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {}
    exec(source, {}, namespace)
    return namespace[view], source


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
