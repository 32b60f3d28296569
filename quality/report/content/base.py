"""What every part of a report is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Content(BaseModel):
    """A frozen value, of which no key is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
