"""The canonical entities of a shop, as entities.yml declares them.

To add a column, add one entry there. Ingestion lands it, the shop file may map it and give it
rules, dbt stages, tests and accepts it, `recomart shop init` guesses it by its words, and it
arrives in the entity's table of accepted records (users and products: `marts.dim_<entity>`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from recomart.errors import ExtensionError
from recomart.events import EVENT_TYPES, MAX_AHEAD
from recomart.shop.places import nearest, where

DataType = Literal["text", "number", "integer", "time", "boolean"]
_STRICT = ConfigDict(extra="forbid")
_FINDINGS = {"missing": "is missing", "unexpected_keyword_argument": "is not a key here"}
"""Pydantic's kind of finding, in the words of YAML."""


@dataclass(frozen=True)
class TimeLimits:
    """What a time is compared with, besides its load: no time is later than that."""

    __pydantic_config__ = _STRICT

    in_opening: bool = True
    """Not before the shop opened, and not after it closed."""
    by_clock: bool = False
    """Not later than the shop's declared clock: the time at which a fact happened."""
    ahead: int = 0
    """Seconds that it may be later than its record was received, to allow for clock skew."""


@dataclass(frozen=True)
class EntityColumn:
    """A column of an entity, and all that other parts need to know of it.

    Args:
        name: as the shop file, the raw table and dbt call it.
        type: what its text is read as.
        noun: with its article, as the sentences of rules say it: "a year of birth".
        description: what it is, with its unit, for people.
        words: names that sources give it, in several languages, for `recomart shop init`.
        concepts: concepts of `onboarding/names.py` that its name may hold; the first of them gets
            the words. Without any, the column's own name is the concept.
        required: whether a source must map it, and each record must have it.
        references: the entity whose list the id must be on.
        rules: default rules, as a shop file would write them.
        limits: of a time.
        on_rating_scale: whether the shop's rating_scale is its default range.
        may_be_invalid: whether a value that is not of the type counts as missing.
        identifies: whether the values of two records differ if this one differs; False leaves it
            out of the comparison of records.
        blank_is_null: whether staging makes blank text null.
        few_values: whether it has so few values that their shares are worth showing.
        when_missing: what a missing value means downstream, for the sentence of the rule.
    """

    __pydantic_config__ = _STRICT

    name: str
    type: DataType
    noun: str
    description: str
    words: str = ""
    concepts: tuple[str, ...] = ()
    required: bool = False
    references: str | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    limits: TimeLimits | None = None
    on_rating_scale: bool = False
    may_be_invalid: bool = False
    identifies: bool = True
    blank_is_null: bool = False
    few_values: bool = False
    when_missing: str | None = None

    @property
    def is_id(self) -> bool:
        """Whether the text only identifies something, and is not a word that people read."""
        return self.type == "text" and (self.name.endswith("_id") or self.name == "line_no")


@dataclass(frozen=True)
class Entity:
    """An entity, its columns in order, and the columns that identify a record.

    Args:
        record: one record, as the sentences of rules begin: "An order line".
        key_words: the key in words.
        list_words: what people call its list of ids, where facts refer to it.
    """

    __pydantic_config__ = _STRICT

    name: str
    record: str
    key: tuple[str, ...]
    key_words: str
    columns: tuple[EntityColumn, ...]
    list_words: str | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.key if name not in self.by_name]
        if unknown or not self.key:
            raise ValueError(f"its key is not one of its columns: {', '.join(unknown) or 'empty'}")

    @cached_property
    def by_name(self) -> dict[str, EntityColumn]:
        return {column.name: column for column in self.columns}


def read_entities(path: Path) -> dict[str, Entity]:
    """The entities that a file such as entities.yml declares, by name, in its order.

    Raises:
        ExtensionError: the file is not YAML, or an entry is wrong; names its line.
    """
    text = path.read_text(encoding="utf-8")
    try:
        tree = YAML(typ="safe").load(text)
    except YAMLError as exc:
        raise ExtensionError(f"{path.name} is not YAML", where=str(path), found=str(exc)) from exc
    try:
        return TypeAdapter(dict[str, Entity]).validate_python(
            {name: _named(name, entity or {}) for name, entity in _with_facts(tree).items()}
        )
    except ValidationError as exc:
        finding = exc.errors()[0]
        keys = [str(part) for part in finding["loc"]]
        if keys[1:2] == ["columns"] and len(keys) > 2:
            keys[2] = list(tree[keys[0]]["columns"])[int(keys[2])]
        known = [field.name for field in fields(EntityColumn if len(keys) > 2 else Entity)]
        raise ExtensionError(
            f"{'.'.join(keys)}: {_FINDINGS.get(finding['type'], finding['msg'])}",
            where=where(path, YAML(typ="rt").load(text), keys),
            help=nearest(keys[-1], known) or "entities.py says what each key means",
        ) from exc


def _named(name: str, entity: dict[str, Any]) -> dict[str, Any]:
    """An entity with its name and those of its columns among their keys."""
    columns = (entity.get("columns") or {}).items()
    return {
        "name": name,
        **entity,
        "columns": [{"name": column, **(declared or {})} for column, declared in columns],
    }


def _with_facts(node: Any) -> Any:
    """A declaration with the facts of the event schema in place of their names in braces."""
    if isinstance(node, dict):
        return {key: _with_facts(value) for key, value in node.items()}
    if node == "{event_types}":
        return EVENT_TYPES
    if node == "{seconds_ahead}":
        return round(MAX_AHEAD.total_seconds())
    return node.replace("{event_types}", ", ".join(EVENT_TYPES)) if isinstance(node, str) else node


SCHEMA: dict[str, Entity] = read_entities(Path(__file__).with_name("entities.yml"))
"""The entities by name, in the order in which they are loaded and reported."""

ENTITIES: dict[str, tuple[str, ...]] = {name: tuple(e.by_name) for name, e in SCHEMA.items()}
"""Canonical columns of each raw table, in order."""

TYPES: dict[str, dict[str, DataType]] = {
    name: {column.name: column.type for column in e.columns} for name, e in SCHEMA.items()
}
"""What the values of each column are read as; columns in order."""

KEYS: dict[str, tuple[str, ...]] = {name: e.key for name, e in SCHEMA.items()}
"""The columns that identify a record of each entity."""

REQUIRED: dict[str, tuple[str, ...]] = {
    name: tuple(c.name for c in e.columns if c.required) for name, e in SCHEMA.items()
}
"""The columns that a source of each entity must map, and each record must have."""

LISTS: dict[str, str] = {
    c.name: c.references for e in SCHEMA.values() for c in e.columns if c.references
}
"""Column of a fact -> the entity whose list it names."""

ADDING_UP = ("transactions", "events")
"""The entities of which two equal records may be two facts. Nobody rates a product twice at once."""

CANCELLED = "transactions"
"""The entity whose records other records of it may take back."""
