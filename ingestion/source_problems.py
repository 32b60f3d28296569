"""What is wrong with the sources of a shop file beyond the keys of each: kinds, entities, columns."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recomart.errors import ShopFileError
from recomart.shop.entities import ADDING_UP, CANCELLED, ENTITIES, LISTS, REQUIRED
from recomart.shop.places import nearest, where
from recomart.shop.sources import MadeSource, Source, model_of, tags, tags_in


def name_problems(path: Path, tree: dict[str, Any]) -> Iterator[ShopFileError]:
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
                    where=where(path, tree, [entity]),
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
                where=where(path, tree, [entity, "columns"]),
                help=f"map at least {', '.join(REQUIRED[entity])}",
            )
            continue
        yield from _repeat_problems(path, tree, entity)
        if source.get("cancellations") and entity != CANCELLED:
            yield ShopFileError(
                f"{entity} have no cancellations: only order lines are taken back",
                code="no-cancellations",
                where=where(path, tree, [entity, "cancellations"]),
                help=f"declare them for {CANCELLED}, or leave the records out: where",
            )
        unknown = [str(name) for name in mapping if name not in columns]
        for name in unknown:
            yield ShopFileError(
                f"{entity} has no column '{name}' to map to",
                code="unknown-column",
                where=where(path, tree, [entity, "columns", name]),
                found=", ".join(map(str, mapping)),
                help=nearest(name, columns) or f"choose from {', '.join(columns)}",
            )
        meant = {close for name in unknown for close in difflib.get_close_matches(name, columns, 1)}
        for name in REQUIRED[entity]:
            if name not in mapping and name not in meant:
                yield ShopFileError(
                    f"{entity} maps no {name}",
                    code="missing-column",
                    where=where(path, tree, [entity, "columns"]),
                    found=", ".join(map(str, mapping)),
                    help=f"add '{name}: <the source's column>'",
                )


def _repeat_problems(path: Path, tree: dict[str, Any], entity: str) -> Iterator[ShopFileError]:
    """Declared numbers and sums of records whose entity has no use for them."""
    if tree[entity].get("repeats") == "add_up" and entity not in ADDING_UP:
        yield ShopFileError(
            f"equal {entity} cannot add up, only {' and '.join(ADDING_UP)} can",
            code="no-repeats",
            where=where(path, tree, [entity, "repeats"]),
            help="leave it out: of several records with one key, the last counts",
        )
    for name, column in tree[entity]["columns"].items():
        if entity in LISTS.values() and isinstance(column, dict) and "number_within" in column:
            yield ShopFileError(
                f"{entity}.{name} numbers its records, so that each would be another entry",
                code="no-repeats",
                where=where(path, tree, [entity, "columns", str(name)]),
                help=f"map the column that names one of the {entity}",
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
            where=where(path, tree, [entity, MadeSource.kind]),
            found=", ".join(own) or "no source with files or an API",
            help=nearest(str(origin), own) or "name an entity that has files or an API",
        )
    elif "each" in tree[entity] and not any(
        model_of(tag).has_nested_lists(source) for tag in tags_in(source)
    ):
        yield ShopFileError(
            f"{entity} reads a nested list, which only JSON has",
            code="no-nested-list",
            where=where(path, tree, [entity, "each"]),
            help=f"leave out 'each', or read {origin} from an API or from JSON files",
        )


def kind_problem(
    path: Path, tree: dict[str, Any], entity: str, found: tuple[str, ...]
) -> ShopFileError:
    """The error for a source that names no registered kind, or more than one."""
    declared = tree[entity]
    known = ", ".join(tags())
    if found:
        return ShopFileError(
            f"{entity} has more than one kind of source: {', '.join(found)}",
            code="two-kinds-of-source",
            where=where(path, tree, [entity, found[-1]]),
            help="keep one of them",
        )
    named = list(map(str, declared)) if isinstance(declared, dict) else [str(declared)]
    free = [name for name in named if name not in Source.model_fields]
    guesses = (guess for name in free if (guess := nearest(name, tags())))
    return ShopFileError(
        f"{entity} names no kind of source",
        code="unknown-kind-of-source",
        where=where(path, tree, [entity]),
        found=", ".join(named),
        help=f"{next(guesses, 'add one of these keys')} (registered: {known})",
    )
