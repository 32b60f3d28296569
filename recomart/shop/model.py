"""What a shop file may say: where each source is, how its columns map to ours, and constants."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

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
from recomart.shop.sources import AnySource, MadeSource, with_inherited_keys
from recomart.shop.sources import Column as Column
from recomart.shop.sources import Source as Source
from recomart.shop.verdict import VerdictLimits

OneKind = TypeVar("OneKind", bound=Source)


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
    verdict: VerdictLimits = Field(
        VerdictLimits(), description="Shares of used facts below which the data is not good to use."
    )
    users: AnySource | None = None
    products: AnySource | None = None
    ratings: AnySource | None = None
    transactions: AnySource | None = None
    events: AnySource | None = None

    @model_validator(mode="before")
    @classmethod
    def _inherited_keys(cls, data: Any) -> Any:
        return with_inherited_keys(data) if isinstance(data, dict) else data

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
            raise ValueError(f"is outside of rating_scale, {scale[0]:g} to {scale[1]:g}")
        return rating

    @field_validator("closed_at")
    @classmethod
    def _after_opening(cls, closed: datetime | None, info: ValidationInfo) -> datetime | None:
        opened = info.data.get("opened_at")
        if closed and opened and closed.replace(tzinfo=None) <= opened.replace(tzinfo=None):
            raise ValueError("is before opened_at")
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

    def sources_of(self, model: type[OneKind]) -> dict[str, OneKind]:
        """The declared sources of one kind, by entity."""
        return {
            entity: source for entity, source in self.sources().items() if isinstance(source, model)
        }

    def read_as(self, entity: str) -> Source:
        """How the bytes of an entity are read: its own, or those that it is made from."""
        source = self.sources()[entity]
        return (
            source.of(self.sources()[source.made_from])
            if isinstance(source, MadeSource)
            else source
        )

    def is_made_list(self, entity: str) -> bool:
        """Whether the entity's records are the distinct ones among another's."""
        return entity in LISTS.values() and self.sources()[entity].origin is not None

    def made_lists(self) -> dict[str, tuple[str, ...]]:
        """The lists made from another entity's bytes, each with the entities that have the same
        records of these bytes: only what one of them accepts gives an entry.

        That is the entity which the list is made from. If the list reads a nested list of its
        items, it is the facts that are made from the same nested list; there may be none.
        """
        made = self.sources_of(MadeSource)
        return {
            name: (one.made_from,)
            if one.each == getattr(self.sources()[one.made_from], "each", None)
            else tuple(
                other
                for other, twin in made.items()
                if (twin.made_from, twin.each) == (one.made_from, one.each)
                and other not in LISTS.values()
            )
            for name, one in made.items()
            if self.is_made_list(name)
        }

    def made_from(self, entity: str) -> dict[str, Source]:
        """The sources whose records are made from the bytes of this entity."""
        return {name: one for name, one in self.sources().items() if one.origin == entity}

    def declared(self, entity: str) -> set[str]:
        """The source's columns that the shop reads or ignores, for all that is made of its bytes."""
        origin = self.sources()[entity].origin or entity
        readers = [self.sources()[origin], *self.made_from(origin).values()]
        names = {name for source in readers for name in (*source.reads, *source.ignore)}
        return names | {each for one in readers if (each := getattr(one, "each", None)) is not None}
