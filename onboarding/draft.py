"""A guessed shop as the text of a commented YAML file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.readers.json_values import ITEM
from ingestion.shop_file import read_shop
from onboarding import scale, spelling
from onboarding.guess import Choice, Guess
from onboarding.joins import Join
from onboarding.layout import Layout
from onboarding.names import PLACE, tokens
from onboarding.refusals import why_unused
from onboarding.tables import Table, Unread
from onboarding.times import percent
from recomart.errors import ShopFileError
from recomart.shop.entities import LISTS

_NUMBERS = ("rating", "quantity", "unit_price", "line_total", "price")
_PERSONAL = {"email", "mail", "phone", "telefon", "tel", "strasse", "street", "address", "adresse",
             "name", "vorname", "nachname", "surname", "firstname", "lastname", "plz", "zip", "iban"}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A shop file that is not written yet, and remarks on it."""

    name: str
    folder: Path
    guesses: tuple[Guess, ...]
    unused: tuple[Table, ...]
    unread: tuple[Unread, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should look at: one line each, the most serious first."""
        missing = [
            f"missing: {g.entity}.{ours}: {why}"
            for g in self.guesses
            for ours, why in g.missing.items()
        ]
        if not any(g.entity in ("ratings", "transactions", "events") for g in self.guesses):
            missing.append("missing: no file says who rated, bought or viewed what, and when")
        unsure = [f"unsure: {place}: {doubt}" for place, doubt in self._doubts()]
        alike = [f"note: {place}: {what}" for place, what in self._alike()]
        remarks = [
            f"note: {g.entity}.where: {left.count:,} of the sampled records are left out: "
            f"{left.column} is {', '.join(left.texts)} ({left.why})"
            for g in self.guesses
            for left in g.where
        ]
        remarks += [f"note: {g.table.shown}: {r}" for g in self.guesses for r in g.table.remarks]
        left = [f"left out: {t.shown}: {why_unused(t, self.guesses)}" for t in self.unused]
        left += [f"left out: {u.name}: {u.why}" for u in self.unread]
        return (*missing, *unsure, *alike, *remarks, *left)

    def _doubts(self) -> Iterator[tuple[str, str]]:
        for guess in self.guesses:
            if guess.time_doubt:
                yield f"{guess.entity}.time_format", guess.time_doubt
            for choice in guess.choices.values():
                if choice.doubt and choice.doubt != guess.time_doubt:
                    yield f"{guess.entity}.columns.{choice.ours}", choice.doubt

    def _alike(self) -> Iterator[tuple[str, str]]:
        for ours in LISTS:
            carriers = [(g, c) for g in self.guesses if (c := g.column_of(ours))]
            ids = frozenset[str]().union(*(g.table.columns[c].distinct for g, c in carriers))
            for found in spelling.alike(ids):
                yield (
                    ours,
                    (
                        f"{len(found.pairs):,} ids differ from another in {found.differ_in} alone, "
                        f"and count as others: {found.examples}"
                    ),
                )

    def text(self, path: Path) -> str:
        """The YAML as it is to be written to `path`: files are named from there."""
        lines = [*self._head(), *scale.lines(self.guesses)]
        for guess in self.guesses:
            made = [g for g in self.guesses if g.made_from == guess.entity]
            if guess.made_from:
                lines += ["", *_made(guess)]
            else:
                lines += ["", *_source(guess, made, self.folder, path)]
        if self.unused or self.unread:
            lines += ["", "# Not used:"]
            lines += [
                f"#   {table.shown}: {why_unused(table, self.guesses)}" for table in self.unused
            ]
            lines += [f"#   {one.name}: {one.why}" for one in self.unread]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        """Write the file.

        Raises:
            ShopFileError: something is there already; it is left as it is.
        """
        path = path.absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "x", encoding="utf-8") as handle:
                handle.write(self.text(path))
        except FileExistsError as exc:
            raise ShopFileError(
                f"{path} is there already, and was not touched",
                code="shop-exists",
                where=str(path),
                help="give another name (--name) or file (--out), or take that one away",
            ) from exc
        except OSError as exc:
            raise ShopFileError(
                f"{path} cannot be written",
                where=str(path),
                found=exc.strerror or str(exc),
                help="give another file: --out FILE",
            ) from exc

    def problems(self, path: Path) -> tuple[str, ...]:
        """Why the text will not load yet; none when it will."""
        try:
            read_shop(self.text(path), path)
        except ShopFileError as exc:
            return tuple(problem.message for problem in getattr(exc, "all", (exc,)))
        return ()

    def _head(self) -> list[str]:
        title = " ".join(word.capitalize() for word in re.split(r"[\W_]+", self.name) if word)
        unsure = sum(1 for _ in self._doubts())
        lines = [
            f"# A guess at the shop in {self.folder.name}/, made from samples of its files.",
            "# Each line says why it is there. What each key means: docs/shops.md.",
        ]
        if any(g.missing for g in self.guesses):
            lines.append("# It does not load yet: see the lines marked MISSING.")
        if unsure:
            what = (
                "One line is marked UNSURE and says"
                if unsure == 1
                else f"{unsure} lines are marked UNSURE and say"
            )
            lines.append(f"# {what} what to decide.")
        return [*lines, f"title: {_quoted(title or self.name)}"]


def _made(guess: Guess) -> Iterator[str]:
    yield f"# No file of its own: the records of {guess.made_from} hold it."
    yield f"{guess.entity}:"
    yield f"  made_from: {guess.made_from}"
    if guess.table.layout.each:
        yield f"  each: {_quoted(guess.table.layout.each)}"
    yield from _columns_of(guess, [])


def _source(guess: Guess, made: Sequence[Guess], folder: Path, path: Path) -> Iterator[str]:
    table, layout = guess.table, guess.table.layout
    sampled = "" if table.whole else " (sampled)"
    files = f"{len(table.files):,} files, " if len(table.files) > 1 else ""
    yield f"# {files}{table.records.num_rows:,} records looked at{sampled}."
    for remark in table.remarks:
        yield f"# Note: {remark}."
    yield f"{guess.entity}:"
    yield f"  files: {_quoted(_place(folder, table.glob, path))}"
    yield from (f"  {line}" for line in _written(layout))
    names = _names(guess)
    if layout.format == "csv" and not layout.header:
        yield "  header: false # the first line is a record; the names are ours"
        yield f"  fields: [{', '.join(_quoted(names[name]) for name in layout.names)}]"
    if decimal := _decimal(guess):
        yield f'  decimal: "{decimal}"'
    if guess.join:
        yield from _join(guess, guess.join, folder, path)
    if layout.skip_lines:
        yield f"  skip_lines: {layout.skip_lines} # they are above the table"
    if layout.escape:
        yield f"  escape: {_quoted(layout.escape)}"
    if guess.fill_down:
        listed = ", ".join(_quoted(names.get(name, name)) for name in guess.fill_down)
        order = guess.column_of("order_id") or ""
        yield "  # only the first line of an order has them"
        yield f"  fill_down: {{columns: [{listed}], within: {_quoted(names.get(order, order))}}}"
    if guess.cancelling:
        value = "true" if guess.cancelling.value is True else _quoted(str(guess.cancelling.value))
        yield f"  # {guess.cancelling.lines:,} of the sampled lines take a purchase back"
        yield f"  cancellations: {{{guess.cancelling.key}: {value}}}"
    if guess.where:
        yield "  where:"
        for left in guess.where:
            listed = ", ".join(map(_quoted, left.texts))
            yield f"    # {left.count:,} of the sampled records: {left.why}"
            yield f"    {_quoted(names.get(left.column, left.column))}: {{not: [{listed}]}}"
    yield from _columns_of(guess, made)


def _join(guess: Guess, join: Join, folder: Path, path: Path) -> Iterator[str]:
    layout, read = join.other.layout, _read_by(guess)
    names = [name for name in layout.names if name in read and name not in join.table.layout.names]
    on = _quoted(join.key)
    if join.key != join.other_key:
        on = f"{{{on}: {_quoted(join.other_key)}}}"
    yield "  join:"
    yield f"    files: {_quoted(_place(folder, join.other.glob, path))}"
    yield from (f"    {line}" for line in _written(layout))
    yield f"    # {percent(join.found)} of the values of {_comment(join.key)} are in it"
    yield f"    on: {on}"
    yield f"    columns: [{', '.join(map(_quoted, names))}]"


def _read_by(guess: Guess) -> set[str]:
    """The source's columns that the mapping, the filter and the other keys read."""
    mapped = {name for choice in guess.choices.values() for name in _columns(choice)}
    return mapped | set(guess.fill_down) | {left.column for left in guess.where}


def _written(layout: Layout) -> Iterator[str]:
    """The keys that say how a file is written, where they are not the usual ones."""
    if layout.format != "csv":
        yield f"format: {layout.format}"
        yield from (f"{key}: {_quoted(at)}" for key, at in layout.lists if at)
    elif layout.delimiter != ",":
        yield f"delimiter: {_quoted(layout.delimiter)}"
    if layout.format == "csv" and layout.quote != '"':
        yield 'quote: "" # quotes in it are text'
    if layout.format != "parquet" and layout.encoding != "utf-8":
        yield f"encoding: {layout.encoding}"


def _columns_of(guess: Guess, made: Sequence[Guess]) -> Iterator[str]:
    names = _names(guess)
    if guess.time_format:
        if guess.time_doubt:
            yield f"  # UNSURE: {guess.time_doubt}."
        yield f"  time_format: {_quoted(guess.time_format)}{_zone(guess.time_format)}"
    yield "  columns:"
    for choice in guess.choices.values():
        yield from _line(choice, names, guess)
    for ours, why in guess.missing.items():
        yield f"    # MISSING: {why}, and {guess.entity} cannot be read without it."
        yield f"    # {ours}: <a column>"
    yield from _ignored(guess, made, names)


def _line(choice: Choice, names: dict[str, str], guess: Guess) -> Iterator[str]:
    yield f"    # {_comment(choice.reason)}"
    if choice.doubt and choice.doubt != guess.time_doubt:
        yield f"    # UNSURE: {_comment(choice.doubt).removesuffix('?')}{'?' if choice.doubt.endswith('?') else '.'}"
    yield f"    {choice.ours}: {_yaml(choice.yaml, names)}"


def _ignored(guess: Guess, made: Sequence[Guess], names: dict[str, str]) -> Iterator[str]:
    layout = guess.table.layout
    here = [g for g in (guess, *made) if g.table is guess.table]
    read = {name for g in here for name in _read_by(g)}
    own = guess.join.table.layout.names if guess.join else layout.names
    left = [name for name in own if name not in read and not _is_key_of(guess, name)]
    if layout.format != "csv":
        inside = {g.table.layout.each for g in made}
        kept = {_top(name) for name in (*read, *filter(None, inside))}
        top = dict.fromkeys(_top(name) for name in left if name != PLACE)
        left = [name for name in top if name not in kept]
        if guess.made_from:
            left = [name for name in left if not name.startswith(ITEM)]
    if guess.made_from and not layout.each:
        left = []
    if left:
        yield "  ignore:"
        for name in left:
            yield f"    - {_quoted(names.get(name, name))} # {_comment(_why_not(guess, name))}"


def _is_key_of(guess: Guess, name: str) -> bool:
    """Whether a column is only read to look its record up."""
    return guess.join is not None and guess.join.key == name


def _top(name: str) -> str:
    """The key of a record that a path begins with; of the item around it, with the sign for it."""
    first, _, rest = name.partition(".")
    return f"{first}.{rest.partition('.')[0]}" if first == ITEM else first


def _columns(choice: Choice) -> list[str]:
    if isinstance(choice.yaml, dict) and choice.column is None:
        made = [value for value in choice.yaml.values() if isinstance(value, list)]
        return [str(name) for names in made for name in names]
    return [choice.column] if choice.column else []


def _why_not(guess: Guess, name: str) -> str:
    column = guess.table.columns.get(name)
    if name in guess.unfit:
        return guess.unfit[name]
    if column is None:
        return "an object: name a path in it to use it"
    if not column.filled:
        return "empty"
    if set(tokens(name)) & _PERSONAL and guess.entity == "users":
        return "personal, and nothing here needs it"
    if column.time is not None:
        return f"times ({column.time.format}) that no canonical column is for"
    if column.most[0][0][:1] in "[{" and guess.table.layout.format != "csv":
        return "a list"
    examples = ", ".join(value[:24] for value, _ in column.most[:3])
    what = "only" if len(column.distinct) <= 3 else f"{len(column.distinct):,} distinct, as"
    return f"no canonical column is for this: {what} {examples}"


def _names(guess: Guess) -> dict[str, str]:
    """What the YAML calls the source's columns: as they are called, or after ours without a header."""
    names = {name: name for name in guess.table.layout.names}
    if guess.table.layout.header:
        return names
    ours = {choice.column: choice.ours for choice in guess.choices.values() if choice.column}
    return names | ours


def _decimal(guess: Guess) -> str | None:
    """How the source writes most of its numbers that are not plain ones."""
    numbers = [
        guess.table.columns[choice.column].numbers
        for choice in guess.choices.values()
        if choice.ours in _NUMBERS and choice.column
    ]
    found = [n.decimal for n in numbers if n.grouped or n.commas > 0.1]
    return max(found, key=found.count, default=None)


def _zone(format: str) -> str:
    if format.startswith("epoch"):
        return ""
    return " # times without an offset are UTC; else set time_zone"


def _place(folder: Path, glob: str, path: Path) -> str:
    """The glob as the shop file names it: relative where both lie near each other."""
    base = os.path.relpath(folder, path.parent)
    if Path(os.path.commonpath([folder, path.parent])) == Path(folder.anchor):
        base = str(folder)
    base = re.sub(r"([*?[])", r"[\1]", base)
    return Path(base, glob).as_posix()


def _yaml(value: object, names: dict[str, str]) -> str:
    if isinstance(value, str):
        return _quoted(names.get(value, value))
    assert isinstance(value, dict), "a mapping's line is a name or a mapping"
    parts = []
    for key, inner in value.items():
        if isinstance(inner, list):
            text = f"[{', '.join(_quoted(names[name]) for name in inner)}]"
        elif isinstance(inner, dict):
            text = "{" + ", ".join(f"{_quoted(a)}: {_quoted(b)}" for a, b in inner.items()) + "}"
        elif inner is True:
            text = "true"
        elif key in ("column", "sign_of"):
            text = _quoted(names.get(str(inner), str(inner)))
        else:
            text = _quoted(str(inner))
        parts.append(f"{key}: {text}")
    return "{" + ", ".join(parts) + "}"


_PLAIN = re.compile(r"[A-Za-zÀ-ɏ_][\wÀ-ɏ.-]*( [\wÀ-ɏ.-]+)*")
_WORDS_OF_YAML = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def _quoted(text: str) -> str:
    """A YAML scalar that reads as this very text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    """Text of the data on one line of a comment."""
    return " ".join(re.sub(r"[^\x20-\x7e\u00a1-\uffff]", " ", text).split())[:400]
