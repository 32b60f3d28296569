"""The layout of a JSON file: one object a line or one document, and the lists inside its records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ingestion.readers.json_lists import element_texts, lists_in
from ingestion.readers.json_values import ITEM, PLACE, at_path, parse
from onboarding import sample
from onboarding.layout import FEW_LINES, Layout
from onboarding.sample import Rows
from recomart.errors import SourceError

DEPTH = 3
"""The most keys of a path."""
START_BYTES = 256 << 10
"""The lists of a large document are looked for in its start."""


@dataclass(frozen=True)
class JsonText:
    """A JSON file's text as sampled, in UTF-8."""

    path: Path
    chunks: list[bytes]
    encoding: str
    whole: bool


def json_tables(
    text: JsonText, remarks: tuple[str, ...]
) -> list[tuple[Layout, Rows]]:  # fmt: skip
    """The tables of a JSON file; none for a value that has no list of objects.

    A list inside the records is a table of its own: its elements, each with the item around it.
    """
    lines = _objects_of_lines(text.chunks[0])
    if lines is not None:
        return _tables(text, "jsonl", None, lines, remarks)
    found = []
    for items in _lists_of_objects(text):
        objects = list(islice(_elements(text, items), FEW_LINES))
        found += _tables(text, "json", items or None, objects, remarks)
    return found


def _objects_of_lines(text: bytes) -> list[dict[str, Any]] | None:
    """The first objects of JSON lines; None if the file is not one object a line."""
    objects, lines = [], 0
    for line in text.splitlines()[:FEW_LINES]:
        lines += bool(line.strip())
        try:
            record = parse(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            objects.append(record)
    # a pretty-printed value has lines that are objects too, but most of its lines are not
    is_one_value = 2 * len(objects) <= lines or (lines == 1 and any(map(_lists_in, objects)))
    return None if is_one_value else objects


def _lists_of_objects(text: JsonText) -> list[str]:
    """The paths of the lists of a document whose elements are objects; empty for the document."""
    if not text.whole:
        return list(lists_in(text.chunks[0][:START_BYTES]))
    try:
        document = parse(text.chunks[0])
    except (ValueError, RecursionError):
        return []
    if isinstance(document, list):
        return [""] if any(isinstance(one, dict) for one in document) else []
    return _lists_in(document) if isinstance(document, dict) else []


def _lists_in(record: dict[str, Any], prefix: str = "") -> list[str]:
    """The paths of the lists of objects in an object."""
    found = []
    for key, value in record.items():
        if "." in key:
            continue
        if isinstance(value, dict) and prefix.count(".") < DEPTH - 1:
            found += _lists_in(value, f"{prefix}{key}.")
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            found.append(f"{prefix}{key}")
    return found


def _elements(text: JsonText, items: str) -> Iterator[dict[str, Any]]:
    try:
        for element in element_texts(text.chunks[0], text.path.name, items or None):
            record = parse(element)
            if isinstance(record, dict):
                yield record
    except (SourceError, ValueError):
        return  # the sample ends within the document


def _tables(
    text: JsonText,
    format: str,
    items: str | None,
    objects: list[dict[str, Any]],
    remarks: tuple[str, ...],
) -> list[tuple[Layout, Rows]]:
    """The table of some objects, and one for each list inside them."""
    paths = tuple(dict.fromkeys(path for record in objects for path in _leaves(record)))
    lists = list(dict.fromkeys(path for record in objects for path in _lists_in(record)))
    if not paths:
        return []
    layout = Layout(format, text.encoding, names=paths, remarks=remarks, items=items)
    found = [(layout, _rows(text, layout))]
    for each in lists:
        elements = [
            element
            for record in objects
            for element in at_path(record, tuple(each.split("."))) or []
            if isinstance(element, dict)
        ]
        own = dict.fromkeys(path for element in elements for path in _leaves(element))
        around = [f"{ITEM}.{path}" for path in paths if path not in lists]
        names = (*own, PLACE, *around)
        inside = Layout(format, text.encoding, names=names, items=items, each=each)
        found.append((inside, _rows(text, inside)))
    return found


def _rows(text: JsonText, layout: Layout) -> Rows:
    if layout.format == "jsonl":
        return sample.json_rows(text.chunks, layout.names, whole=text.whole, each=layout.each)
    return sample.json_list_rows(
        text.chunks, layout.names, text.path.name, layout.items, layout.each, text.whole
    )


def _leaves(record: dict[str, Any], prefix: str = "") -> list[str]:
    """The paths of an object's values, those of objects within by path."""
    found = []
    for key, value in record.items():
        if isinstance(value, dict) and value and prefix.count(".") < DEPTH - 1 and "." not in key:
            found += _leaves(value, f"{prefix}{key}.")
        elif "." not in key:
            found.append(f"{prefix}{key}")
    return found
