"""A shop's file: where each source is, how its columns map to ours, and the shop's constants."""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from recomart.errors import ShopFileError
from recomart.settings import Settings

ENTITIES: dict[str, tuple[str, ...]] = {
    "users": ("user_id", "signed_up_at", "country", "birth_year"),
    "products": (
        "product_id",
        "title",
        "category",
        "brand",
        "price",
        "currency",
        "in_stock",
        "updated_at",
    ),
    "ratings": ("user_id", "product_id", "rating", "rated_at"),
    "transactions": (
        "order_id",
        "line_no",
        "user_id",
        "product_id",
        "quantity",
        "unit_price",
        "ordered_at",
    ),
    "events": (
        "event_id",
        "event_type",
        "user_id",
        "session_id",
        "product_id",
        "occurred_at",
        "received_at",
    ),
}
"""Canonical columns of each raw table, in order."""

KEYS: dict[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "products": ("product_id",),
    "ratings": ("user_id", "product_id", "rated_at"),
    "transactions": ("order_id", "line_no"),
    "events": ("event_id",),
}
"""The columns that identify a record of each entity."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "users": ("user_id",),
    "products": ("product_id",),
    "ratings": ("user_id", "product_id", "rating", "rated_at"),
    "transactions": ("order_id", "line_no", "user_id", "product_id", "ordered_at"),
    "events": ("event_id", "event_type", "user_id", "occurred_at"),
}
"""The columns that a source of each entity must map."""

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Column(BaseModel):
    """How one of our columns is made from a source's; exactly one of the first four is given."""

    model_config = _STRICT

    column: str | None = Field(None, description="The source's column, or a JSON path a.b.c.")
    value: str | None = Field(None, description="The same text for every record.")
    hash_of: tuple[str, ...] | None = Field(
        None, description="Columns whose md5 is the id, for a source without one."
    )
    first_flag: dict[str, str] | None = Field(
        None, description="Source column -> text; the first column that holds 1 gives the text."
    )
    values: dict[str, str] | None = Field(
        None, description="With column: text as received -> ours. Other texts stay as they are."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        given = [self.column, self.value, self.hash_of, self.first_flag]
        if sum(origin is not None for origin in given) != 1:
            raise ValueError("needs exactly one of column, value, hash_of, first_flag")
        if self.values is not None and self.column is None:
            raise ValueError("values goes with column")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The source's columns that this one is made from."""
        if self.column is not None:
            return (self.column,)
        return self.hash_of or tuple(self.first_flag or ())


class _Source(BaseModel):
    model_config = _STRICT

    columns: dict[str, Column]
    ignore: tuple[str, ...] = Field((), description="The source's columns that we leave out.")
    time_format: str = Field(
        "iso", description="iso, epoch_seconds, epoch_milliseconds, or a strptime pattern."
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

    @property
    def reads(self) -> tuple[str, ...]:
        """Every source column that the mapping reads, once, in order."""
        return tuple(dict.fromkeys(name for c in self.columns.values() for name in c.reads))


class FileSource(_Source):
    """Files that match a glob, each one batch."""

    files: tuple[str, ...] = Field(
        description="Globs. {lake} and {data} stand for those folders; else relative to the YAML."
    )
    format: Literal["csv", "jsonl"] = "csv"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    fields: tuple[str, ...] = Field((), description="Column names, for files without a header.")
    encoding: str = "utf-8"

    @model_validator(mode="before")
    @classmethod
    def _one_glob(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("files"), str):
            return {**data, "files": [data["files"]]}
        return data

    @model_validator(mode="after")
    def _header_or_fields(self) -> FileSource:
        if self.format == "csv" and self.header == bool(self.fields):
            raise ValueError("a CSV has either a header, or header: false and fields: [names]")
        return self


class ApiKey(BaseModel):
    """A key that the catalogue asks for; its value comes from the environment, never from here."""

    model_config = _STRICT

    header: str = "X-API-Key"
    env: str | None = Field(None, description="The variable that holds the key.")
    value: str | None = Field(None, description="A key that is no secret (the mock catalogue's).")


class ApiSource(_Source):
    """An HTTP catalogue that answers in JSON pages."""

    api: str = Field(description="URL; {mock_api} stands for RecoMart's own mock catalogue.")
    api_key: ApiKey | None = None
    items: str = Field("items", description="Path to the list of records in a page.")
    total: str | None = Field("total", description="Path to the count of all records, checked.")
    page_param: str = "page"
    size_param: str = "page_size"
    page_size: int = Field(100, ge=1)
    paging: Literal["page", "offset"] = Field(
        "page", description="Whether page_param counts pages from 1, or records from 0."
    )
    updated_since_param: str | None = Field(None, description="Unset: the whole catalogue.")
    allow_hosts: tuple[str, ...] = Field((), description="Hosts beside the URL's own.")
    timeout_seconds: float = Field(10.0, gt=0)
    max_bytes: int = Field(200_000_000, gt=0, description="Of one fetch, all pages together.")


def _kind(source: Any) -> str:
    is_api = isinstance(source, ApiSource) or (isinstance(source, dict) and "api" in source)
    return "api-source" if is_api else "file-source"


Source = Annotated[
    Annotated[FileSource, Tag("file-source")] | Annotated[ApiSource, Tag("api-source")],
    Discriminator(_kind),
]


class Shop(BaseModel):
    """One shop. What is missing among the entities is an empty table downstream."""

    model_config = _STRICT

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
    users: Source | None = None
    products: Source | None = None
    ratings: Source | None = None
    transactions: Source | None = None
    events: Source | None = None

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


class ShopFile:
    """A loaded shop and the lines of its file, so that an error can point to one."""

    def __init__(self, shop: Shop, path: Path, tree: Any) -> None:
        self.shop = shop
        self.path = path
        self._tree = tree

    def where(self, key: str) -> str:
        """`path:line   key: value` of a dotted key, or of its nearest parent that stands there."""
        return _where(self.path, self._tree, key.split("."))


def load_shop(settings: Settings) -> ShopFile:
    """Read and check the shop's file.

    Raises:
        ShopFileError: the file is absent, no YAML, or a key is unknown, missing or wrong. It names
            the line, and the nearest known key.
    """
    path = settings.shop_file
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.yml"))
        raise ShopFileError(
            f"there is no shop file {path}",
            code="missing-shop",
            found=", ".join(known) or "no shop files there",
            help=_nearest(path.stem, known) or "set RECOMART_SHOP to one of these, or to a path",
        )
    try:
        tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ShopFileError(
            f"{path.name} is not YAML: {exc.problem}",
            where=f"{path}:{line}",
            help="mend the line (indentation, colons and quotes are the usual causes)",
        ) from exc
    if not isinstance(tree, dict):
        raise ShopFileError(f"{path.name} holds no mapping of keys", where=f"{path}:1")
    _check_names(path, tree)
    try:
        shop = Shop.model_validate(_plain(tree))
    except ValidationError as exc:
        raise _explained(path, tree, exc) from exc
    return ShopFile(shop, path, tree)


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _check_names(path: Path, tree: dict) -> None:
    if not any(tree.get(name) for name in ("ratings", "transactions", "events")):
        raise ShopFileError(
            f"{path.name} declares none of ratings, transactions, events",
            where=f"{path}:1",
            help="a shop needs at least one of them to learn from",
        )
    for entity, columns in ENTITIES.items():
        source = tree.get(entity)
        if not isinstance(source, dict):
            continue
        mapping = source.get("columns")
        if not isinstance(mapping, dict):
            raise ShopFileError(
                f"{entity} has no columns",
                where=_where(path, tree, [entity]),
                help=f"map at least {', '.join(REQUIRED[entity])}",
            )
        for name in mapping:
            if name not in columns:
                raise ShopFileError(
                    f"{entity} has no column '{name}' to map to",
                    code="unknown-column",
                    where=_where(path, tree, [entity, "columns", name]),
                    found=", ".join(map(str, mapping)),
                    help=_nearest(str(name), columns) or f"choose from {', '.join(columns)}",
                )
        for name in REQUIRED[entity]:
            if name not in mapping:
                raise ShopFileError(
                    f"{entity} maps no {name}",
                    code="missing-column",
                    where=_where(path, tree, [entity, "columns"]),
                    found=", ".join(map(str, mapping)),
                    help=f"add '{name}: <the source's column>'",
                )


def _explained(path: Path, tree: Any, exc: ValidationError) -> ShopFileError:
    """The first of pydantic's findings, in the words of the file."""
    first = exc.errors()[0]
    keys = [str(part) for part in first["loc"] if part not in ("file-source", "api-source")]
    known = _known_keys(keys)
    message = first["msg"].removeprefix("Value error, ")
    hint = None
    if first["type"] == "extra_forbidden":
        message = f"'{keys[-1]}' is not a key here"
        hint = _nearest(keys[-1], known) or f"known keys: {', '.join(known)}"
    elif first["type"] == "missing":
        message = f"'{keys[-1]}' is missing"
        hint = f"add '{keys[-1]}:'"
    return ShopFileError(
        f"{'.'.join(keys) or path.name}: {message}",
        where=_where(path, tree, keys),
        found=None
        if first["type"] in ("missing", "extra_forbidden")
        else repr(first["input"])[:120],
        help=hint or "see docs/shops.md for what each key means",
    )


def _known_keys(keys: list[str]) -> list[str]:
    if len(keys) <= 1:
        return list(Shop.model_fields)
    if "api_key" in keys:
        return list(ApiKey.model_fields)
    if "columns" in keys:
        return list(Column.model_fields)
    return list(dict.fromkeys([*FileSource.model_fields, *ApiSource.model_fields]))


def _nearest(word: str, known: Any) -> str | None:
    close = difflib.get_close_matches(word, [str(k) for k in known], n=1)
    return f'did you mean "{close[0]}"?' if close else None


def _where(path: Path, tree: Any, keys: list[str]) -> str:
    node = tree
    line, seen, value = 1, list[str](), None
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            break
        line = _line_of(node, key)
        seen.append(key)
        node = value = node[key]
    place = f"{path}:{line}"
    if not seen:
        return place
    shown = "" if isinstance(value, dict | list) else f" {value!r}"
    return f"{place}   {'.'.join(seen)}:{shown}"


def _line_of(mapping: Any, key: str) -> int:
    """The line, from 1, on which ruamel read `key` of this mapping."""
    return mapping.lc.key(key)[0] + 1
