"""One entity as the shop file declares it: what a source and a reader are given to work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from ingestion import mapping
from ingestion.lookup_table import LookupTable, identity
from ingestion.shop_file import ShopFile
from recomart.settings import Settings
from recomart.shop.entities import REQUIRED
from recomart.shop.sources import Source

Model = TypeVar("Model", bound=Source)

Suggest = Callable[
    [Path, "Declaration[Any]", str, Sequence[str], str | None], tuple[str | None, str | None]
]
"""Guesses which column of a file is meant when a declared one is missing: called with the file, the
declaration, our name of the missing column, the columns to choose from and the one whose name is
closest; gives a column and the reason, None for each that it has not."""


def by_name_alone(
    path: Path,
    declared: Declaration[Any],
    ours: str,
    spare: Sequence[str],
    closest: str | None,
) -> tuple[str | None, str | None]:
    """The Suggest that looks at no values: the closest name."""
    return closest, None


@dataclass(frozen=True)
class Declaration(Generic[Model]):
    """An entity's declaration.

    Args:
        source: how its bytes are read. For records that are made from another entity's bytes: that
            entity's source, with the columns of these records.
        suggest: for errors about missing columns.
        lookups: the tables of its joins, once they are made.
    """

    settings: Settings
    shop: ShopFile
    entity: str
    source: Model
    suggest: Suggest = by_name_alone
    lookups: tuple[LookupTable, ...] = ()

    @property
    def origin(self) -> str | None:
        """The entity whose bytes its records are made from, if they are."""
        return self.shop.shop.sources()[self.entity].origin

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a source must have, by our names."""
        return REQUIRED[self.entity]

    @property
    def distinct(self) -> bool:
        """Whether equal records of a batch are one: in a list made from another entity's records."""
        return self.shop.shop.is_made_list(self.entity)

    @property
    def keeps_origins(self) -> bool:
        """Whether dbt must know which records gave an entry: it counts those that are accepted."""
        return bool(self.shop.shop.made_lists().get(self.entity))

    @cached_property
    def mapping(self) -> str:
        """A fingerprint of everything that decides which rows the same bytes become."""
        shape = mapping.fingerprint(self.source, distinct=self.distinct, origins=self.keeps_origins)
        return f"{shape}-{identity(self.lookups)}" if self.lookups else shape

    def where(self, key: str) -> str:
        """The place of a key of this entity in the shop file, for an error."""
        return self.shop.where(f"{self.entity}.{key}")


def declarations(
    settings: Settings, shop: ShopFile, suggest: Suggest = by_name_alone
) -> dict[str, Declaration[Any]]:
    """Every entity that the shop declares, in the order of the entities."""
    return {
        entity: Declaration(settings, shop, entity, shop.shop.read_as(entity), suggest)
        for entity in shop.shop.sources()
    }
