"""What a shop file may say: where each source is, how its columns map to ours, and constants."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from recomart.rules.declarations import Rules
from recomart.shop.entities import ENTITIES as ENTITIES
from recomart.shop.entities import KEYS as KEYS
from recomart.shop.entities import LISTS
from recomart.shop.entities import REQUIRED as REQUIRED
from recomart.shop.sources import ApiKey as ApiKey
from recomart.shop.sources import ApiSource as ApiSource
from recomart.shop.sources import Column as Column
from recomart.shop.sources import FileSource as FileSource
from recomart.shop.sources import MadeSource as MadeSource
from recomart.shop.sources import ReadSource as ReadSource
from recomart.shop.sources import Source as Source
from recomart.shop.sources import StreamSource as StreamSource


class Shop(BaseModel):
    """One shop. What is missing among the entities is an empty table downstream."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    as_of: Literal["now", "data_end"] | datetime = "data_end"
    rating_scale: tuple[float, float] = (1, 5)
    relevant_rating: Annotated[float | None, Field(description="From here on a user liked it.")] = (
        None
    )
    repeat_purchases: bool = False
    unknown_references: Literal["quarantine", "keep"] = Field(
        "quarantine", description="Of a user or product that the shop's own lists lack."
    )
    currency: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    rules: Rules = Field(Rules(), description="What rows must be, over the defaults.")
    users: Source | None = None
    products: Source | None = None
    ratings: Source | None = None
    transactions: Source | None = None
    events: Source | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_time_format(cls, data: Any) -> Any:
        """What is made from another source has its time format, unless it declares one."""
        if not isinstance(data, dict):
            return data
        filled = dict(data)
        for entity in ENTITIES:
            made = data.get(entity)
            if not isinstance(made, dict):
                continue
            origin = data.get(str(made.get("made_from")))
            if isinstance(origin, dict) and "time_format" in origin:
                filled[entity] = {"time_format": origin["time_format"], **made}
        return filled

    @field_validator("as_of", mode="wrap")
    @classmethod
    def _clock(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except ValidationError as exc:
            raise ValueError("expected now, data_end or a time such as 2026-01-31") from exc

    @field_validator("rating_scale")
    @classmethod
    def _rises(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] >= scale[1]:
            raise ValueError("the lowest comes first, then the highest")
        return scale

    @field_validator("relevant_rating")
    @classmethod
    def _on_the_scale(cls, rating: float | None, info: ValidationInfo) -> float | None:
        scale = info.data.get("rating_scale")
        if rating is not None and scale and not scale[0] <= rating <= scale[1]:
            raise ValueError(f"lies outside of rating_scale, {scale[0]:g} to {scale[1]:g}")
        return rating

    @field_validator("closed_at")
    @classmethod
    def _after_opening(cls, closed: datetime | None, info: ValidationInfo) -> datetime | None:
        opened = info.data.get("opened_at")
        if closed and opened and closed.replace(tzinfo=None) <= opened.replace(tzinfo=None):
            raise ValueError("lies before opened_at")
        return closed

    @property
    def likes_from(self) -> float:
        """The rating from which on a user liked a product: as declared, or 60% up the scale."""
        low, high = self.rating_scale
        return (
            self.relevant_rating if self.relevant_rating is not None else low + 0.6 * (high - low)
        )

    def sources(self) -> dict[str, Source]:
        """The declared sources by entity, in the order of ENTITIES."""
        return {name: source for name in ENTITIES if (source := getattr(self, name)) is not None}

    def read_as(self, entity: str) -> ReadSource:
        """How the bytes of an entity are read: its own, or those that it is made from."""
        source = self.sources()[entity]
        origin = self.sources()[source.made_from] if isinstance(source, MadeSource) else source
        assert isinstance(origin, ReadSource), "the shop file's reader refuses such chains"
        return source.of(origin) if isinstance(source, MadeSource) else origin

    def is_made_list(self, entity: str) -> bool:
        """Whether the entity's records are the distinct ones among another's."""
        return entity in LISTS.values() and isinstance(self.sources()[entity], MadeSource)

    def declared(self, entity: str) -> set[str]:
        """The source's columns that the shop reads or ignores, for all that is made of its bytes."""
        sources = self.sources()
        source = sources[entity]
        origin = source.made_from if isinstance(source, MadeSource) else entity
        named = set[str]()
        for name, one in sources.items():
            if name == origin or (isinstance(one, MadeSource) and one.made_from == origin):
                named.update(one.reads, one.ignore)
        return named
