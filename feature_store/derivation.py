"""How derived features are computed; the features themselves are in `derived.py`.

One code for Feast's on-demand view (training, `get_online_features`) and for serving: the columns
are those of a feature service with `as_of`, the instant that is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from feature_store import derived as _features  # noqa: F401 - its functions register themselves
from feature_store.derived_feature import (
    PRIOR,
    REQUEST_COLUMN,
    Column,
    DerivedFeature,
    Prior,
    registered,
)
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

TIME_SUFFIX = "_at"
"""How the name of a stored column ends that is a time."""


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


def derived_features() -> Mapping[str, DerivedFeature]:
    """The derived features by name, in the order in which they are written."""
    return registered()


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
