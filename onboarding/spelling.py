"""Texts that are not what they seem: ids that a person would take for one, words for no value."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_ALIKE: dict[str, Callable[[str], str]] = {
    "surrounding spaces": str.strip,
    "Unicode form": lambda text: unicodedata.normalize("NFC", text),
    "case": str.casefold,
}
"""What two texts may differ in alone -> how both are made equal. Applied in this order."""

NO_VALUE = frozenset({
    "null", "\\n", "nan", "none", "n/a", "na", "nil", "nat", "<na>", "(null)", "#n/a", "undefined",
    "-", "--", "?",
})  # fmt: skip
"""Words, in small letters, with which exports write that there is no value."""


def is_no_value(text: str) -> bool:
    """Whether a text is a word for no value."""
    return text.strip().casefold() in NO_VALUE


@dataclass(frozen=True)
class Alike:
    """Ids that become equal when `differ_in` is left aside; the pairs are in alphabetical order."""

    differ_in: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def examples(self) -> str:
        """As in: 'U1' and 'u1', 'U2' and 'u2'."""
        return ", ".join(f"{a!r} and {b!r}" for a, b in self.pairs[:3])


def alike(ids: Iterable[str]) -> Iterator[Alike]:
    """The ids that a person would take for one, by what they differ in."""
    known = {one: one for one in sorted(ids) if not is_no_value(one)}
    for name, plain in _ALIKE.items():
        first: dict[str, str] = {}
        pairs = []
        for key, shown in known.items():
            same = first.setdefault(plain(key), shown)
            if same != shown:
                pairs.append((same, shown))
        if pairs:
            yield Alike(name, tuple(pairs))
        known = first
