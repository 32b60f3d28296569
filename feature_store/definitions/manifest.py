"""The models to publish, and their features in Feast's terms, from dbt's manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from feature_store.bitemporal import CREATED_AT, EVENT_TIMESTAMP
from feature_store.dbt_manifest import Table, read_manifest
from recomart.errors import ConfigurationError

JOIN_KEYS = {"user": "user_id", "product": "product_id", "category": "category"}
"""Feast's entities and their join keys, all strings."""

FEAST_TYPES = {
    "bigint": "Int64",
    "integer": "Int64",
    "int": "Int64",
    "double": "Float64",
    "decimal": "Float64",
    "timestamp": "UnixTimestamp",
    "varchar": "String",
    "string": "String",
    "boolean": "Bool",
}
"""Feast's type for a column's `data_type`, its parameters left out."""


@dataclass(frozen=True)
class Column:
    """A column as its YAML describes it. `data_type` is in lower case, without parameters.

    `in_services` is false for a column that is published and served, but in no feature service.
    """

    name: str
    data_type: str
    description: str
    in_services: bool = True


@dataclass(frozen=True)
class FeatureMeta:
    """`config.meta.feast` of a feature model."""

    entities: tuple[str, ...]
    stale_after_hours: float
    services: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model that is published: its table, its columns, its order, its place in Feast.

    Each version of a model in dbt is a model of its own, named by its alias: `ftr_users_v2`.
    """

    name: str
    schema: str
    table: str
    description: str
    columns: tuple[Column, ...]
    order_by: tuple[str, ...]
    feast: FeatureMeta | None
    version: str | None = None

    @property
    def join_keys(self) -> tuple[str, ...]:
        """Columns that name the entity; empty for a table that is not a feature view."""
        return tuple(JOIN_KEYS[entity] for entity in self.feast.entities) if self.feast else ()

    @property
    def features(self) -> tuple[tuple[Column, str], ...]:
        """Every column but the keys and the row's timestamps, with its Feast type."""
        apart = {*self.join_keys, EVENT_TIMESTAMP, CREATED_AT}
        return tuple((c, FEAST_TYPES[c.data_type]) for c in self.columns if c.name not in apart)


def read_models(manifest: Path) -> tuple[Model, ...]:
    """The models with `config.meta.publish`, by name.

    Args:
        manifest: dbt's manifest.json, of a project or of a published snapshot.

    Raises:
        ConfigurationError: a model's meta or a feature's data_type cannot be used.
    """
    return tuple(_model(table) for table in read_manifest(manifest).published())


def definition_digest(models: tuple[Model, ...]) -> str:
    """A hash of what the models mean: names, columns, types, order and meta; not descriptions."""
    bare = [
        replace(
            model, description="", columns=tuple(replace(c, description="") for c in model.columns)
        )
        for model in models
    ]
    text = json.dumps([asdict(model) for model in bare], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _model(table: Table) -> Model:
    columns = tuple(
        Column(
            name=column.name,
            data_type=_base_type(column.data_type),
            description=column.description,
            in_services=column.in_services,
        )
        for column in table.columns.values()
    )
    feast = table.meta.get("feast")
    model = Model(
        name=table.name,
        schema=table.schema,
        table=table.alias,
        description=table.description,
        columns=columns,
        order_by=tuple(table.meta["publish"].get("order_by", ())),
        feast=feast
        and FeatureMeta(
            entities=tuple(feast["entities"]),
            stale_after_hours=float(feast["stale_after_hours"]),
            services=tuple(feast.get("services", ())),
        ),
        version=table.version,
    )
    _check(model, table.path or table.name)
    return model


def _base_type(data_type: str | None) -> str:
    return (data_type or "").lower().split("(")[0].strip()


def _check(model: Model, where: str) -> None:
    names = {column.name for column in model.columns}
    absent = [key for key in model.order_by if key not in names]
    if not model.order_by or absent:
        raise ConfigurationError(
            f"{model.name}: publish.order_by must name the columns of its key",
            where=where,
            found=", ".join(absent or model.order_by) or "nothing",
            help="one of " + ", ".join(sorted(names)),
        )
    if model.feast is None:
        return
    unknown = [entity for entity in model.feast.entities if entity not in JOIN_KEYS]
    if unknown:
        raise ConfigurationError(
            f"{model.name}: feast.entities names an unknown entity",
            where=where,
            found=", ".join(unknown),
            help="entities are " + ", ".join(JOIN_KEYS),
        )
    for needed in (*model.join_keys, EVENT_TIMESTAMP, CREATED_AT):
        if needed not in names:
            raise ConfigurationError(
                f"{model.name}: a feature view needs a column {needed}", where=where
            )
    in_order = (*model.join_keys, EVENT_TIMESTAMP)
    if model.order_by[: len(in_order)] != in_order:
        raise ConfigurationError(
            f"{model.name}: the history of a feature view is kept in the order of its entities",
            where=where,
            found=f"publish.order_by: {', '.join(model.order_by)}",
            help=f"begin it with {', '.join(in_order)}",
        )
    for column in model.columns:
        if column.data_type not in FEAST_TYPES:
            raise ConfigurationError(
                f"{model.name}.{column.name}: Feast has no type for this column",
                where=where,
                found=f"data_type: {column.data_type or 'not declared'}",
                help="one of " + ", ".join(FEAST_TYPES),
            )
