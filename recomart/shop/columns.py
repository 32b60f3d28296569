"""What a shop file may say of one of our columns: where its value comes from, and how it changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

ORIGINS = (
    "column", "value", "hash_of", "first_flag", "join", "first_of", "number_within", "sign_of",
)  # fmt: skip
TRANSFORMS = ("strip", "split", "element", "number")
"""Changes of a value, in the order in which they are listed; `values` is one of them, too."""
_CHANGED = ("column", "join", "first_of")
"""The origins whose values can be changed."""

Element = Literal["first", "last", "all"] | Annotated[int, Field(strict=True)]


class Column(BaseModel):
    """How one of our columns is made from a source's; exactly one of the ORIGINS is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = Field(None, description="The source's column, or a JSON path a.b.c.")
    value: str | None = Field(None, description="The same text for every record.")
    hash_of: tuple[str, ...] | None = Field(
        None, description="Columns whose md5 is the id, for a source without one."
    )
    first_flag: dict[str, str] | None = Field(
        None, description="Source column -> text; the first column that holds 1 gives the text."
    )
    join: tuple[str, ...] | None = Field(
        None, description="Columns whose texts make one, a space between; empty ones are left out."
    )
    first_of: tuple[str, ...] | None = Field(
        None, description="Columns of which the first that is not empty gives the text."
    )
    number_within: tuple[str, ...] | None = Field(
        None,
        description="Columns; the record's number among those of its file that are equal in them.",
    )
    values: dict[str, str] | None = Field(
        None, description="With column: text as received -> ours. Other texts stay as they are."
    )
    sign_of: str | None = Field(
        None, description="A column of prices; the currency sign in it, as a code of ISO 4217."
    )
    strip: str | None = Field(
        None, min_length=1, description="Signs to leave out at both ends of the text."
    )
    split: str | None = Field(
        None, min_length=1, description="What separates the parts of the text; element takes one."
    )
    element: Element | None = Field(
        None, description="Which part, or which element of a JSON list: from 1, or -1 for the last."
    )
    number: Literal[True, ".", ","] | None = Field(
        None,
        description="Read a number with thousands and a currency sign; the decimal sign, or true for "
        "the source's.",
    )

    _order: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _keep_order(cls, data: Any, handler: ModelWrapValidatorHandler[Column]) -> Column:
        made = handler(data)
        if isinstance(data, Mapping):
            made._order = tuple(key for key in data if key in (*TRANSFORMS, "values"))
        return made

    @model_serializer(mode="wrap")
    def _in_order(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The order of the transforms is part of what the column is, and so of its fingerprint."""
        dumped: dict[str, Any] = dump(self)
        if not self.is_transformed:
            return dumped
        first = {key: value for key, value in dumped.items() if key not in self._order}
        return first | {key: dumped[key] for key in self._order if key in dumped}

    @field_validator("number_within", mode="before")
    @classmethod
    def _one_column(cls, names: Any) -> Any:
        return (names,) if isinstance(names, str) else names

    @field_validator("element")
    @classmethod
    def _not_zero(cls, element: Element | None) -> Element | None:
        if element == 0:
            raise ValueError("elements count from 1; -1 is the last")
        return element

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        if sum(getattr(self, name) is not None for name in ORIGINS) != 1:
            raise ValueError(f"needs exactly one of {', '.join(ORIGINS)}")
        if self.values is not None and self.column is None and self.sign_of is None:
            raise ValueError("values goes with column or sign_of")
        changes = [name for name in TRANSFORMS if getattr(self, name) is not None]
        if changes and all(getattr(self, name) is None for name in _CHANGED):
            raise ValueError(f"{', '.join(changes)} goes with {', '.join(_CHANGED)}")
        if self.split is not None and self.element is None:
            raise ValueError("split needs element: first, last, all, or a number from 1")
        return self

    @property
    def is_transformed(self) -> bool:
        """Whether its value is changed in another way than by `values` alone."""
        return any(getattr(self, name) is not None for name in TRANSFORMS)

    @property
    def changes(self) -> tuple[str, ...]:
        """The keys of the changes of its value, in their order; split has its element with it."""
        return tuple(
            name for name in self._order if not (name == "element" and self.split is not None)
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """The source's columns that this one is made from."""
        if one := self.column or self.sign_of:
            return (one,)
        several = self.hash_of or self.join or self.first_of or self.number_within
        return several or tuple(self.first_flag or ())
