"""A model between memory and disk: arrays, JSON values and texts. No pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np

M = TypeVar("M")


@dataclass(frozen=True)
class Stored:
    """What an artifact keeps of a model.

    Args:
        scale: lowest and highest rating.
        arrays: by name, `<part>.<field>`; the parts of models that it builds on go along.
        record: JSON values, kept in the artifact's record.
        texts: contents of further text files, by file name.
    """

    scale: tuple[float, float]
    arrays: Mapping[str, np.ndarray]
    record: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def part(self, cls: type[M], name: str, *, scaled: bool = True) -> M:
        """The dataclass whose arrays are stored under this name; scalars come back as floats."""
        values: dict[str, Any] = {
            key.partition(".")[2]: float(value) if value.ndim == 0 else value
            for key, value in self.arrays.items()
            if key.startswith(f"{name}.")
        }
        return cls(**values | ({"scale": self.scale} if scaled else {}))


def arrays_of(name: str, part: Any) -> dict[str, np.ndarray]:
    """A dataclass's fields as arrays under a name, the scale left out."""
    return {
        f"{name}.{one.name}": np.asarray(getattr(part, one.name))
        for one in fields(part)
        if one.name != "scale"
    }
