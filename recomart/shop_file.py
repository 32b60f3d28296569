"""Reading a shop file, so that an error points to its line and names the nearest known key."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from recomart.errors import ShopFileError
from recomart.settings import Settings
from recomart.shop import ENTITIES, REQUIRED, ApiKey, ApiSource, Column, FileSource, Shop


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
