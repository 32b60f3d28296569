"""Whether the derived features can be made from what is published: checked before each publish."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from feature_store.definitions.manifest import Model
from feature_store.derivation import TIME_SUFFIX, derived_features
from feature_store.derived_feature import PRIOR, REQUEST_COLUMN, DerivedFeature
from recomart.errors import ConfigurationError

TIME, TEXT = "UnixTimestamp", "String"


def check_derived(models: Sequence[Model]) -> None:
    """Check that each derived feature takes columns that some feature model has.

    Raises:
        ConfigurationError: it takes an unknown column, a text, or a time whose name does not say
            that it is one; names the function and the nearest columns.
    """
    types = {
        column.name: kind for model in models if model.feast for column, kind in model.features
    }
    if not types:
        return
    for feature in derived_features().values():
        for name in feature.inputs:
            _check_input(feature, name, types)


def _check_input(feature: DerivedFeature, name: str, types: dict[str, str]) -> None:
    if name not in types:
        near = get_close_matches(name, (*types, REQUEST_COLUMN, PRIOR), n=3, cutoff=0.5)
        raise ConfigurationError(
            f'the derived feature "{feature.name}" takes "{name}", which is a column of no '
            "feature model",
            where=feature.where,
            found=f"nearest: {', '.join(near)}" if near else None,
            help="name a column of a model with meta.feast as the function's parameter, or add the "
            "column to the model's SQL and YAML, and run 'recomart transform'",
        )
    if types[name] == TEXT:
        raise ConfigurationError(
            f'the derived feature "{feature.name}" takes "{name}", which is a text',
            where=feature.where,
            help="derived features are computed from numbers and times",
        )
    if (types[name] == TIME) != name.endswith(TIME_SUFFIX):
        raise ConfigurationError(
            f'"{name}", which the derived feature "{feature.name}" takes, is of type {types[name]}',
            where=feature.where,
            help=f"the names of times, and of times alone, end in {TIME_SUFFIX}: rename the column",
        )
