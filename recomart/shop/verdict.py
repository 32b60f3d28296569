"""`verdict` of a shop file: from which share of used facts on the data is good to use."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

AMBER_BELOW, RED_BELOW = 0.95, 0.8
"""Ordinary dirt takes one to three percent of real exports. One fact in twenty is more than dirt: a
format, a filter or a list is probably wrong. One in five bends what is popular and what is bought
together, so that recommendations learn from a part of the shop."""


Share = Annotated[float, Field(ge=0, le=1)]


class VerdictLimits(BaseModel):
    """Shares of facts (ratings, order lines, events) of a source, 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amber_below: Share = AMBER_BELOW
    red_below: Share = RED_BELOW

    @model_validator(mode="after")
    def _red_is_worse(self) -> VerdictLimits:
        if self.red_below > self.amber_below:
            raise ValueError("red_below is above amber_below")
        return self


DEFAULT = VerdictLimits()
