"""Texts from data cannot move the cursor, break the line or hide on a terminal."""

from __future__ import annotations

import unicodedata

import pytest

from quality.plain_text import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("one\ntwo\r\tthree", r"one\ntwo\r\tthree"),
        ("abc\u202edef\u2066", r"abc\u202edef\u2066"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("no\xa0break\u2028line", r"no\xa0break\u2028line"),
        ("\U000e0041", r"\U000e0041"),
        (r"\x1b is no escape", r"\\x1b is no escape"),
        ("café 漢字 😀", "café 漢字 😀"),
        (None, "None"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(text: object, shown: str) -> None:
    assert one_line(text) == shown


def test_no_character_passes_unseen() -> None:
    # the planes in use; what lies between them is unassigned
    everything = "".join(map(chr, (*range(0x20000), *range(0xE0000, 0xE0200), 0x10FFFD)))
    shown = one_line(everything, 10 * len(everything))
    categories = {unicodedata.category(c) for c in set(shown)}
    assert not categories & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert {c for c in shown if unicodedata.category(c) == "Zs"} == {" "}


def test_long_text_ends_in_an_ellipsis_within_the_width() -> None:
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcde…"
    assert one_line("漢字漢字", 8) == "漢字漢字"
    assert one_line("漢字漢字", 7) == "漢字漢…"
    assert one_line("漢字漢字", 6) == "漢字…", "each sign is two columns wide"


def test_an_escape_is_never_cut_in_two() -> None:
    assert one_line("ab\x1bcd", 5) == "ab…"
    assert one_line("ab\x1bcd", 7) == r"ab\x1b…"


def test_a_pile_of_accents_does_not_grow_over_other_lines() -> None:
    assert one_line("Z" + "\u0301" * 3, 80) == "Z\u0301\u0301\\u0301"
