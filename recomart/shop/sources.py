"""What a shop file may say of a source: which kind it is, and how its columns map to ours.

The kernel knows what all kinds have in common, and `made_from`, which is a relation between two
entities of one shop file. What a kind reads, and the keys that it adds, are declared with the kind,
in its module of `ingestion/sources/`. The kernel finds these modules through the registry, by the
package's name: so it imports nothing from `ingestion`, adding a kind means adding one module, and
its keys are checked like all others, with line numbers. (The other way, each kind adding its model
to a list of the kernel's, would make the result depend on which modules happen to be imported.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from recomart import casts
from recomart.casts import TIME_FORMATS, pattern_problem, time_zones
from recomart.registry import Registry
from recomart.shop.cancellations import Cancellations
from recomart.shop.columns import Column as Column
from recomart.shop.places import nearest
from recomart.shop.row_filter import RowFilter

STRICT = ConfigDict(extra="forbid", frozen=True)


class FillDown(BaseModel):
    """Columns whose empty values take the value of the record before, within equal values of some."""

    model_config = STRICT

    columns: tuple[str, ...] = Field(min_length=1, description="The source's columns to fill.")
    within: tuple[str, ...] = Field(
        min_length=1, description="The source's column, or columns, that such records are equal in."
    )

    @field_validator("columns", "within", mode="before")
    @classmethod
    def _one_column(cls, names: Any) -> Any:
        return (names,) if isinstance(names, str) else names

    @model_validator(mode="after")
    def _apart(self) -> FillDown:
        if both := set(self.columns) & set(self.within):
            raise ValueError(f"{', '.join(sorted(both))} cannot be filled within itself")
        return self


class Source(BaseModel):
    """The keys that every kind of source has. Each kind adds its own in a model of its own."""

    model_config = STRICT

    kind: ClassVar[str]
    """The tag of the kind in a shop file; it is the name of a required key of the model."""
    entities: ClassVar[tuple[str, ...] | None] = None
    """The entities that this kind can carry; None for all of them."""
    keys_without_effect: ClassVar[frozenset[str]] = frozenset({"time_format", "time_zone"})
    """Keys that do not change which raw rows the same bytes become. All others do: when one of
    them changes, ingest loads what it landed again."""

    columns: dict[str, Column]
    ignore: tuple[str, ...] = Field((), description="The source's columns that we leave out.")
    missing: tuple[str, ...] | None = Field(
        None,
        description="Texts with which the source says that there is no value; NULL, N/A and the like "
        "if unset.",
    )
    where: RowFilter | None = Field(
        None, description="The source's column -> the text, or the texts, of records that we take."
    )
    cancellations: Cancellations | None = Field(
        None, description="Of transactions: lines that take a purchase back."
    )
    repeats: Literal["once", "add_up"] | None = Field(
        None,
        description="What records of one file are whose key is the same: once, of which the last "
        "counts; add_up, so that equal ones are as many purchases or events. Unset: once, and "
        "reports ask.",
    )
    fill_down: FillDown | None = Field(
        None, description="Columns that only the first record of an order has, and within what."
    )
    time_format: str = Field(
        "iso", description=f"{', '.join(TIME_FORMATS)}, or a strptime pattern."
    )
    time_zone: str | None = Field(
        None, description="The zone of times without an offset, as Europe/Berlin; UTC if unset."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_columns(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("columns"), dict):
            columns = {
                key: value if isinstance(value, dict | Column) else {"column": str(value)}
                for key, value in data["columns"].items()
            }
            return {**data, "columns": columns}
        return data

    @field_validator("missing", mode="before")
    @classmethod
    def _one_missing_text(cls, words: Any) -> Any:
        return (words,) if isinstance(words, str) else words

    @field_validator("time_format")
    @classmethod
    def _can_be_read(cls, time_format: str) -> str:
        if problem := pattern_problem(time_format):
            raise ValueError(problem)
        return time_format

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in (known := time_zones()):
            raise PydanticCustomError(
                "unknown_time_zone",
                "the database of time zones has no such name",
                {"help": nearest(zone, known) or "name one as Europe/Berlin or America/New_York"},
            )
        return zone

    @model_validator(mode="after")
    def _zone_has_an_effect(self) -> Source:
        if self.time_zone is not None and not casts.needs_zone(self.time_format):
            raise ValueError(
                f"time_zone has no effect: each time in the format {self.time_format} is in UTC or "
                "has an offset"
            )
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """Every source column that the mapping, the filters and the filling read, once, in order."""
        return (*self._needed, *self.marks_read)

    @property
    def marks_read(self) -> tuple[str, ...]:
        """The columns that cancellations alone read: records without any need not have them."""
        marks = self.cancellations.reads if self.cancellations else ()
        return tuple(name for name in marks if name not in self._needed)

    @property
    def _needed(self) -> tuple[str, ...]:
        mapped = (name for c in self.columns.values() for name in c.reads)
        fill = (*self.fill_down.within, *self.fill_down.columns) if self.fill_down else ()
        return tuple(dict.fromkeys([*mapped, *(self.where or ()), *fill]))

    @property
    def adds_up(self) -> bool:
        """Whether equal records of a file count as often as they are there."""
        return self.repeats == "add_up"

    @property
    def origin(self) -> str | None:
        """The entity whose bytes these records are made from; None for a source of its own."""
        return None

    @property
    def decimal_sign(self) -> str | None:
        """The decimal sign of its numbers, where they are written other than 1299.00."""
        return None

    @classmethod
    def has_nested_lists(cls, declared: Mapping[str, Any]) -> bool:
        """Whether records that are made from a source with these keys may come from a list in it."""
        return "each" in cls.model_fields

    def mentions(self, placeholder: str) -> bool:
        """Whether some key's value has this text in it, such as {mock_api}."""
        return placeholder in self.model_dump_json()


class MadeSource(Source):
    """Records made from the bytes of another entity's source, which land once for both.

    Users and products are lists: each distinct combination of the mapped columns is one record.
    """

    kind: ClassVar[str] = "made_from"

    made_from: str = Field(description="The entity whose files or pages these records are made of.")
    each: str | None = Field(
        None, description="Path in an item to a nested list, whose elements are the records."
    )

    @property
    def origin(self) -> str | None:
        return self.made_from

    def of(self, origin: Source) -> Source:
        """How the bytes of the origin are read for these records."""
        own = (
            "columns", "ignore", "missing", "where", "cancellations", "repeats", "time_format",
            "time_zone",
        )  # fmt: skip
        changes: dict[str, Any] = {name: getattr(self, name) for name in own}
        if "each" in type(origin).model_fields:
            changes["each"] = self.each
        other_records = self.each != getattr(origin, "each", None)
        if self.fill_down or other_records:
            changes["fill_down"] = self.fill_down
        if other_records and "join" in type(origin).model_fields:
            changes["join"] = None  # it looks up the origin's own records
        return origin.model_copy(update=changes)


class DeclaredKind(Protocol):
    """What the kernel uses of a kind of source; `ingestion.sources.SourceKind` has all of it."""

    @property
    def name(self) -> str:
        """The tag in a shop file."""

    @property
    def model(self) -> type[Source]:
        """The keys that a shop file may give."""


KINDS: Registry[DeclaredKind] = Registry(
    "kind of source",
    "ingestion.sources",
    "SOURCE",
    DeclaredKind,  # type: ignore[type-abstract]  # only its members' names are read
)


def tags() -> tuple[str, ...]:
    """The tags of every kind of source, in alphabetical order."""
    return tuple(sorted((MadeSource.kind, *KINDS.names())))


def tags_in(declared: object) -> tuple[str, ...]:
    """The tags that a declaration of the shop file has: one, if it is right.

    A source that needs no keys may be declared by its tag alone (`events: stream`).
    """
    if isinstance(declared, str):
        return (declared,) if declared in tags() else ()
    return tuple(tag for tag in tags() if isinstance(declared, Mapping) and tag in declared)


def model_of(tag: str) -> type[Source]:
    """The model of a kind's keys.

    Raises:
        UnknownName: no kind has this tag; lists those that are registered.
    """
    return MadeSource if tag == MadeSource.kind else KINDS.get(tag).model


INHERITED = ("time_format", "time_zone", "missing")
"""Keys that a source has from the one that it is made from, unless it declares them itself."""


def with_inherited_keys(declared: Mapping[str, Any]) -> dict[str, Any]:
    """A shop's keys, each source that is made from another with the INHERITED keys of that one."""
    filled = dict(declared)
    for entity, made in declared.items():
        origin = declared.get(str(made.get(MadeSource.kind))) if isinstance(made, dict) else None
        if isinstance(origin, dict):
            shared = {key: origin[key] for key in INHERITED if key in origin}
            if not casts.needs_zone(str(made.get("time_format", "iso"))):
                shared.pop("time_zone", None)
            filled[entity] = {**shared, **made}
    return filled


def _validated(declared: Any) -> Any:
    if isinstance(declared, Source):
        return declared
    found = tags_in(declared)
    if len(found) != 1:
        raise ValueError(f"expected one of {', '.join(tags())}, found {len(found)} of them")
    return model_of(found[0]).model_validate(declared)


AnySource = Annotated[SerializeAsAny[Source], BeforeValidator(_validated)]
"""A source of any registered kind."""
