"""A list of objects in a JSON document, read in pieces: `[{...}, ...]` or `{"products": [...]}`.

The list may have gigabytes; in memory is one piece of it at a time. The text is cut at the list's
commas, and what is between two of them is read like a line of JSON lines. What is around the list
must be JSON, too; other lists and objects in the document are passed over.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from ingestion.readers import json_objects
from ingestion.readers.json_objects import JsonObjects
from ingestion.readers.json_structure import CLOSING, COMMA, OPENING, Marks, Scanner
from ingestion.readers.json_values import JsonColumns, parse
from ingestion.readers.records import LineCounts
from recomart.errors import SourceError

AROUND_BYTES = 1 << 20
"""What is around the list may be as long; more means that the path names no list of records."""

START_BYTES = 16 << 10
"""An error about a list that is not there names those in the start of the document."""

_TOKEN = re.compile(rb'\s*("(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+)', re.DOTALL)

Elements = tuple[list[bytes], int]
"""Elements that follow each other in a list, and the place of the first in the document."""


class JsonListReader:
    """Reads one document. An element of the list that is not an object is rejected.

    Each element counts as a line; with `each`, each element of the lists in it does.

    Args:
        name: what messages call the document.
        items: the path of the list; None when the document is the list.
        where: the place of the declaration, for errors.
    """

    def __init__(
        self,
        columns: JsonColumns,
        counts: LineCounts,
        name: str,
        items: str | None = None,
        each: str | None = None,
        where: str | None = None,
    ) -> None:
        self._objects = JsonObjects(columns, counts, each, has_blanks=False)
        self._list = _List(name, items, where)

    def batches(self, pieces: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
        """Batches of `schema(paths)`, in the document's order.

        Raises:
            SourceError: the document has no list at this path, or it ends in the middle.
        """
        yield from self.begun(pieces)
        self._list.finish()

    def begun(self, pieces: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
        """As `batches`, for a document of which the end is not looked at.

        Raises:
            SourceError: the document does not begin with such a list.
        """
        for piece in pieces:
            for texts, offset in self._list.elements(piece):
                if self._list.is_long:
                    self._objects.reject_long(texts[0], offset)
                else:
                    yield self._objects.batch(texts, offset)


def element_texts(document: bytes, name: str, items: str | None) -> Iterator[bytes]:
    """The texts of a list's elements in a whole document.

    Raises:
        SourceError: the document has no list at this path, or it ends in the middle.
    """
    found = _List(name, items, None)
    for texts, _ in found.elements(document):
        yield from texts
    found.finish()


def lists_in(start: bytes) -> tuple[str, ...]:
    """The paths of the lists in the start of a document that are in no other list.

    The path of a document that is a list is empty.
    """
    around = _Around()
    around.add(start)
    return tuple(dict.fromkeys(around.lists))


class _List:
    """Cuts a list into its elements while its document comes in pieces."""

    def __init__(self, name: str, items: str | None, where: str | None) -> None:
        self._name, self._where = name, where
        self._items = "" if items in (None, ".") else str(items)
        self._level = len(self._items.split(".")) if self._items else 0
        self._scanner = Scanner(COMMA)
        self._around = _Around()
        self._offset = 0
        """Where the current piece begins in the document."""
        self._start = bytearray()
        self._in_list = self._in_other = self._found = False
        """Whether the text is in the list; in a value as deep as the list; whether there was one."""
        self._rest = bytearray()
        self._rest_at = 0
        self._has_commas = False
        self.is_long = False
        """Whether the element at hand is too long: its start was given, and its rest is dropped."""

    def elements(self, piece: bytes) -> Iterator[Elements]:
        """The elements that end in a piece; and an element that is too long, as soon as it is."""
        self._start += piece[: max(0, START_BYTES - len(self._start))]
        marks = self._scanner.marks(piece)
        is_bracket = (marks.signs != COMMA) & (marks.levels == self._level)
        at = 0
        for mark in is_bracket.nonzero()[0]:
            place, sign = int(marks.at[mark]), int(marks.signs[mark])
            if sign in OPENING and not (self._in_list or self._in_other):
                self._add(piece[at : place + 1])
                self._in_list = sign == b"["[0] and self._around.path == self._items
                self._in_other = not self._in_list
                if self._in_list:
                    self._found, self._has_commas = True, False
                    self._rest_at = self._offset + place + 1
                at = place + 1
            elif sign in CLOSING and (self._in_list or self._in_other):
                if self._in_list:
                    yield from self._cut(piece, marks, at, place, ends=True)
                self._in_list = self._in_other = False
                at = place
        if self._in_list:
            yield from self._cut(piece, marks, at, len(piece), ends=False)
        elif not self._in_other:
            self._add(piece[at:])
        self._offset += len(piece)

    def _cut(
        self, piece: bytes, marks: Marks, start: int, end: int, *, ends: bool
    ) -> Iterator[Elements]:
        """The elements that end between two places of a piece.

        Args:
            ends: whether the list ends there.
        """
        first, last = marks.at.searchsorted((start, end))
        is_cut = (marks.signs[first:last] == COMMA) & (marks.levels[first:last] == self._level + 1)
        cuts = marks.at[first:last][is_cut].tolist()
        self._has_commas = self._has_commas or bool(cuts)
        if ends:
            cuts.append(end)
        texts, first_at = list[bytes](), self._rest_at
        for cut in cuts:
            text = piece[start:cut]
            start = cut + 1
            if self.is_long:
                self.is_long, first_at = False, self._offset + start
                continue
            if self._rest:
                text = bytes(self._rest) + text
                self._rest.clear()
            texts.append(text)
        if ends and not self._has_commas and texts and not texts[0].strip():
            texts = []  # an empty list
        if texts:
            yield texts, first_at
        if cuts:
            self._rest_at = self._offset + start
        if not ends and not self.is_long:
            self._rest += piece[start:end]
            if len(self._rest) > json_objects.RECORD_BYTES:
                self.is_long = True
                yield [bytes(self._rest)], self._rest_at
                self._rest.clear()

    def _add(self, text: bytes) -> None:
        """Take text from around the list."""
        self._around.add(text)
        sign = bytes(self._around.text.lstrip()[:1])
        if sign not in ((b"", b"{") if self._items else (b"", b"[")):
            raise self._no_list()
        if len(self._around.text) > AROUND_BYTES:
            raise self._no_list()

    def finish(self) -> None:
        """Check the end of the document.

        Raises:
            SourceError: there was no list, or the document is torn.
        """
        wrong = "it ends inside the list" if self._in_list else None
        try:
            parse(bytes(self._around.text))
        except (ValueError, RecursionError) as exc:
            wrong = wrong or f"what is around its list: {exc}"
        if wrong:
            raise SourceError(
                f"{self._name} is not a whole JSON document",
                code="broken-json",
                where=self._where,
                found=f"{wrong} (after {self._offset:,} bytes)",
                help="write the file again: nothing of it is loaded; or, with one object a line, "
                "declare format: jsonl",
            )
        if not self._found:
            raise self._no_list()

    def _no_list(self) -> SourceError:
        lists = [path for path in lists_in(bytes(self._start)) if path]
        close = [path for path in lists if path.endswith(f".{self._items}")]
        close = close or difflib.get_close_matches(self._items, lists, n=1) or lists[:1]
        begins = f"it begins with {self._start[:60].decode('utf-8', 'replace').strip()!r}"
        what = f"has no list at '{self._items}'" if self._items else "is not a JSON list"
        return SourceError(
            f"{self._name} {what}",
            code="no-list",
            where=self._where,
            found=f"{begins}; lists in it: {', '.join(lists[:10])}" if lists else begins,
            help=f"set items: {close[0]}"
            if close
            else "set items: to the path of the list; with one object a line, format: jsonl",
        )


class _Around:
    """What is around a list, and where in it the text has come to."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.lists: list[str] = []
        """The paths of the lists that began, if none of them is in another."""
        self._done = 0
        self._open: list[str | None] = []
        """For each open bracket the key of its value; None in a list, and for the document."""
        self._string: bytes | None = None
        self._key: str | None = None

    def add(self, text: bytes) -> None:
        """Take the next text, cut anywhere."""
        self.text += text
        while match := _TOKEN.match(self.text, self._done):
            token = bytes(match[1])
            if match.end() == len(self.text) and token not in b"{}[],:":
                break  # it may go on
            self._done = match.end()
            if token.startswith(b'"'):
                self._string = token
            elif token == b":":
                self._key = _text_of(self._string)
            elif token in b"{[":
                self._open.append(self._key)
                self._key = None
                if token == b"[" and None not in self._open[1:]:
                    self.lists.append(self.path)
            elif token in b"}]":
                del self._open[-1:]
                self._key = None
            elif token == b",":
                self._key = None

    @property
    def path(self) -> str:
        """The path of the value whose bracket is open, if it is in no list; else no key's."""
        keys: Sequence[str | None] = self._open[1:]
        return ".".join(key if key is not None else "[]" for key in keys)


def _text_of(token: bytes | None) -> str | None:
    try:
        return str(json.loads(token or b"null"))
    except ValueError:
        return None
