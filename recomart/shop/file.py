"""Reading a shop file, so that each error points to its line and names the nearest known key."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError

from recomart.errors import ShopFileError
from recomart.rules.declarations import column_model
from recomart.rules.kind import RULE_KINDS
from recomart.rules.rulebook import rule_problems
from recomart.settings import Settings
from recomart.shop.entities import TYPES
from recomart.shop.model import ENTITIES, REQUIRED, Shop
from recomart.shop.sources import (
    MadeSource,
    Source,
    model_of,
    tags,
    tags_in,
    with_shared_time_formats,
)


class _Constructor(RoundTripConstructor):
    """Leaves times as texts: the model reads them too, and its errors have a line."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)

_EXPECTED = {
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping of keys",
    "string_type": "expected a text; put it in quotes",
    "model_type": "expected a mapping of keys",
}
"""Pydantic's kind of finding, in the words of YAML."""


class ShopFile:
    """A loaded shop and the lines of its file, so that an error can point to one."""

    def __init__(self, shop: Shop, path: Path, tree: Any) -> None:
        self.shop = shop
        self.path = path
        self._tree = tree

    def where(self, key: str) -> str:
        """`path:line   key: value` of a dotted key, or of its nearest parent in the file."""
        return _where(self.path, self._tree, key.split("."))


class ShopFileErrors(ShopFileError):
    """Several keys of one shop file are wrong. Reads as the first; `all` has each."""

    def __init__(self, problems: list[ShopFileError]) -> None:
        first = problems[0]
        super().__init__(
            first.message, where=first.where, found=first.found, help=first.help, code=first.code
        )
        self.all = tuple(problems)

    def render(self) -> str:
        """Every error, one after the other."""
        return "\n".join(problem.render() for problem in self.all)


def load_shop(settings: Settings) -> ShopFile:
    """Read and check the shop's file.

    Raises:
        ShopFileError: the file is absent or not YAML, or keys are unknown, missing or wrong. It names
            the line of each, and the nearest known key.
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
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise ShopFileError(
            f"{path.name} is not UTF-8",
            where=f"{path}:{line}",
            found=f"the byte {exc.object[exc.start]:#04x}",
            help="save it as UTF-8",
        ) from exc
    return read_shop(text, path)


def read_shop(text: str, path: Path) -> ShopFile:
    """Check the text of a shop file; `path` is where it is, or will be.

    Raises:
        ShopFileError: the text is not YAML, or has wrong keys (then it is a ShopFileErrors).
    """
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    try:
        tree = yaml.load(text)
    except DuplicateKeyError as exc:
        mark = exc.problem_mark
        key = text.splitlines()[mark.line][mark.column :].partition(":")[0].strip()
        raise ShopFileError(
            f"{path.name}: '{key}' is there twice",
            where=f"{path}:{mark.line + 1}",
            help="keep one of them, or give the other its own name",
        ) from exc
    except MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ShopFileError(
            f"{path.name} is not YAML: {exc.problem}",
            where=f"{path}:{line}",
            help="fix the line (indentation, colons and quotes are the usual causes)",
        ) from exc
    if not isinstance(tree, dict):
        raise ShopFileError(f"{path.name} has no mapping of keys", where=f"{path}:1")
    shop, problems = _read(path, tree)
    if shop is not None:
        problems += [
            ShopFileError(
                problem.message,
                code="bad-rule",
                where=_where(path, tree, problem.key.split(".")),
                help=problem.help,
            )
            for problem in rule_problems(shop)
        ]
    if problems:
        raise ShopFileErrors(sorted(problems, key=_line))
    assert shop is not None, "what is wrong with it is a problem"
    return ShopFile(shop, path, tree)


def _read(path: Path, tree: dict[str, Any]) -> tuple[Shop | None, list[ShopFileError]]:
    """The shop, when its keys are right, and what is wrong with its keys and names."""
    problems = list(_name_problems(path, tree))
    keys = with_shared_time_formats(_plain(tree))
    for entity in ENTITIES:
        if (declared := keys.get(entity)) is None:
            continue
        found = tags_in(declared)
        if len(found) != 1:
            problems.append(_kind_problem(path, tree, entity, found))
            del keys[entity]
            continue
        try:
            keys[entity] = model_of(found[0]).model_validate(declared)
        except ValidationError as exc:
            problems += [
                _explained(path, tree, finding, (entity,), model_of(found[0]))
                for finding in exc.errors()
                if finding["type"] not in ("missing", "dict_type") or finding["loc"] != ("columns",)
            ]
            del keys[entity]
    try:
        return Shop.model_validate(keys), problems
    except ValidationError as exc:
        return None, [*problems, *(_explained(path, tree, finding) for finding in exc.errors())]


def _kind_problem(
    path: Path, tree: dict[str, Any], entity: str, found: tuple[str, ...]
) -> ShopFileError:
    """The error for a source that names no registered kind, or more than one."""
    declared = tree[entity]
    known = ", ".join(tags())
    if found:
        return ShopFileError(
            f"{entity} has more than one kind of source: {', '.join(found)}",
            code="two-kinds-of-source",
            where=_where(path, tree, [entity, found[-1]]),
            help="keep one of them",
        )
    named = list(map(str, declared)) if isinstance(declared, dict) else [str(declared)]
    free = [name for name in named if name not in Source.model_fields]
    guesses = (guess for name in free if (guess := _nearest(name, tags())))
    return ShopFileError(
        f"{entity} names no kind of source",
        code="unknown-kind-of-source",
        where=_where(path, tree, [entity]),
        found=", ".join(named),
        help=f"{next(guesses, 'add one of these keys')} (registered: {known})",
    )


def _line(problem: ShopFileError) -> int:
    return int((problem.where or ":1").split("   ")[0].rpartition(":")[2])


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _name_problems(path: Path, tree: dict[str, Any]) -> Iterator[ShopFileError]:
    """What is wrong with the names of entities and columns, which the model does not know."""
    if not any(tree.get(name) for name in ("ratings", "transactions", "events")):
        yield ShopFileError(
            f"{path.name} declares none of ratings, transactions, events",
            where=f"{path}:1",
            help="a shop needs at least one of them to learn from; if it only has clicks, "
            "'events: stream'",
        )
    for entity, columns in ENTITIES.items():
        source = tree.get(entity)
        for tag in tags_in(source):
            allowed = model_of(tag).entities
            if allowed is not None and entity not in allowed:
                yield ShopFileError(
                    f"{entity} cannot come by '{tag}', which carries {', '.join(allowed)} alone",
                    where=_where(path, tree, [entity]),
                    help="name another kind of source: files, an API, or what it is made from",
                )
        if not isinstance(source, dict):
            continue
        if MadeSource.kind in source:
            yield from _origin_problems(path, tree, entity)
        mapping = source.get("columns")
        if not isinstance(mapping, dict):
            yield ShopFileError(
                f"{entity} has no columns",
                where=_where(path, tree, [entity, "columns"]),
                help=f"map at least {', '.join(REQUIRED[entity])}",
            )
            continue
        unknown = [str(name) for name in mapping if name not in columns]
        for name in unknown:
            yield ShopFileError(
                f"{entity} has no column '{name}' to map to",
                code="unknown-column",
                where=_where(path, tree, [entity, "columns", name]),
                found=", ".join(map(str, mapping)),
                help=_nearest(name, columns) or f"choose from {', '.join(columns)}",
            )
        meant = {close for name in unknown for close in difflib.get_close_matches(name, columns, 1)}
        for name in REQUIRED[entity]:
            if name not in mapping and name not in meant:
                yield ShopFileError(
                    f"{entity} maps no {name}",
                    code="missing-column",
                    where=_where(path, tree, [entity, "columns"]),
                    found=", ".join(map(str, mapping)),
                    help=f"add '{name}: <the source's column>'",
                )


def _origin_problems(path: Path, tree: dict[str, Any], entity: str) -> Iterator[ShopFileError]:
    """What is wrong with what an entity says that it is made from."""
    origin = tree[entity][MadeSource.kind]
    source = tree.get(origin) if isinstance(origin, str) else None
    own = [n for n in ENTITIES if isinstance(tree.get(n), dict) and MadeSource.kind not in tree[n]]
    if not isinstance(source, dict) or MadeSource.kind in source:
        yield ShopFileError(
            f"{entity} is made from '{origin}', which has no files or API of its own here",
            code="unknown-source",
            where=_where(path, tree, [entity, MadeSource.kind]),
            found=", ".join(own) or "no source with files or an API",
            help=_nearest(str(origin), own) or "name an entity that has files or an API",
        )
    elif "each" in tree[entity] and not any(
        "each" in model_of(tag).model_fields for tag in tags_in(source)
    ):
        yield ShopFileError(
            f"{entity} reads a nested list, which only the items of an API have",
            code="no-nested-list",
            where=_where(path, tree, [entity, "each"]),
            help=f"leave out 'each', or read {origin} from an API",
        )


def _explained(
    path: Path,
    tree: Any,
    finding: Any,
    place: tuple[str, ...] = (),
    model: type[BaseModel] = Shop,
) -> ShopFileError:
    """One of pydantic's findings, in the words of the file.

    Args:
        place: the keys that lead to what was validated.
        model: the model that it was validated with.
    """
    keys = [*place, *(str(part) for part in finding["loc"])]
    message = _EXPECTED.get(finding["type"]) or finding["msg"].removeprefix("Value error, ")
    hint = None
    if finding["type"] == "extra_forbidden":
        known = _known_keys(model, finding["loc"][:-1])
        message = f"'{keys[-1]}' is not a key here"
        hint = _nearest(keys[-1], known) or f"known keys: {', '.join(known)}"
        if keys[-1] == "each":
            hint = "a file has one record a line; docs/shops.md, 'Lists inside lists', makes them"
        if keys[0] == "rules" and len(keys) == 5:
            return _unknown_rule(path, tree, keys)
    elif finding["type"] == "missing":
        message = f"'{keys[-1]}' is missing"
        hint = f"add '{keys[-1]}:'"
    return ShopFileError(
        f"{'.'.join(keys) or path.name}: {message}",
        where=_where(path, tree, keys),
        found=None
        if finding["type"] in ("missing", "extra_forbidden")
        else repr(finding["input"])[:120],
        help=hint or "see docs/shops.md for what each key means",
    )


def _unknown_rule(path: Path, tree: Any, keys: list[str]) -> ShopFileError:
    """A rule of no kind that is registered, or of a kind that does not fit the column."""
    _, entity, _, column, key = keys
    fitting = list(column_model(entity, column).model_fields)
    registered = {kind.key: kind.name for kind in RULE_KINDS}
    fits = f"rules that fit {entity}.{column}: {', '.join(fitting)}"
    return ShopFileError(
        f"{'.'.join(keys)}: '{key}' is not a key here",
        code="unknown-rule-kind",
        where=_where(path, tree, keys),
        found=f"{TYPES[entity][column]} {entity}.{column}, which '{key}' does not fit"
        if key in registered
        else f"registered kinds of rules: {', '.join(registered)}",
        help=fits if key in registered else _nearest(key, fitting) or fits,
    )


def _known_keys(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys that a model allows at a place within it (pydantic's `loc` of a mapping)."""
    models = [model]
    for part in place:
        inner = [
            found
            for one in models
            if part in one.model_fields
            for found in _models_in(one.model_fields[str(part)].annotation)
        ]
        # a key that is no field is one of a mapping's own: the models are those of its values
        models = inner or models
    return list(dict.fromkeys(name for one in models for name in one.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field may hold, within unions, lists, mappings and annotations too."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    inner = [found for part in typing.get_args(annotation) for found in _models_in(part)]
    return list(dict.fromkeys(inner))


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
    return int(mapping.lc.key(key)[0]) + 1
