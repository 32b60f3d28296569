"""Reading a shop file, so that each error points to its line and names the nearest known key."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError

from ingestion.source_problems import kind_problem, name_problems
from recomart.errors import ShopFileError
from recomart.rules.declarations import column_model
from recomart.rules.kind import RULE_KINDS
from recomart.rules.rulebook import rule_problems
from recomart.settings import Settings
from recomart.shop.entities import TYPES
from recomart.shop.model import ENTITIES, Shop
from recomart.shop.places import nearest, where
from recomart.shop.sources import model_of, tags_in, with_inherited_keys


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
        return where(self.path, self._tree, key.split("."))


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
            help=nearest(path.stem, known) or "set RECOMART_SHOP to one of these, or to a path",
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
                where=where(path, tree, problem.key.split(".")),
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
    problems = list(name_problems(path, tree))
    keys = with_inherited_keys(_plain(tree))
    for entity in ENTITIES:
        if (declared := keys.get(entity)) is None:
            continue
        found = tags_in(declared)
        if len(found) != 1:
            problems.append(kind_problem(path, tree, entity, found))
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


def _line(problem: ShopFileError) -> int:
    return int((problem.where or ":1").split("   ")[0].rpartition(":")[2])


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


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
        hint = nearest(keys[-1], known) or f"known keys: {', '.join(known)}"
        if keys[0] == "rules" and len(keys) == 5:
            return _unknown_rule(path, tree, keys)
    elif finding["type"] == "missing":
        message = f"'{keys[-1]}' is missing"
        hint = f"add '{keys[-1]}:'"
    hint = hint or finding.get("ctx", {}).get("help")
    return ShopFileError(
        f"{'.'.join(keys) or path.name}: {message}",
        where=where(path, tree, keys),
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
        where=where(path, tree, keys),
        found=f"{TYPES[entity][column]} {entity}.{column}, which '{key}' does not fit"
        if key in registered
        else f"registered kinds of rules: {', '.join(registered)}",
        help=fits if key in registered else nearest(key, fitting) or fits,
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
        # a key that is not a field belongs to a mapping: the models are those of its values
        models = inner or models
    return list(dict.fromkeys(name for one in models for name in one.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field may hold, within unions, lists, mappings and annotations too."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    inner = [found for part in typing.get_args(annotation) for found in _models_in(part)]
    return list(dict.fromkeys(inner))
