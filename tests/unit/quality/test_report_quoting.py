"""Texts from data in a report: quoted, on one line, visible throughout, and short."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.report.quoting import plain, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Tea", '"Tea"'),
        ('say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'),
        ("a\nb\r\tc", '"a\\nb\\r\\tc"'),
        ("\x1b[31mred", '"\\x1b[31mred"'),
        ("\u202eabc", '"\\u202eabc"'),
        ("\u2028\xa0\u3000", '"\\u2028\\xa0\\u3000"'),
        ("\U000e0041", '"\\U000e0041"'),
        ("e\u0301\u0301\u0301", '"e\u0301\u0301\\u0301"'),
        ("\u6f22\N{GRINNING FACE}", '"\u6f22\N{GRINNING FACE}"'),
        (None, '"None"'),
    ],
)
def test_unseen_characters_are_shown_as_escapes(text: object, shown: str) -> None:
    assert quoted(text) == shown


def test_long_text_is_cut_and_tells_its_length() -> None:
    assert quoted("x" * 61, 60) == '"' + "x" * 60 + '"… (61 characters)'
    assert quoted("x" * 60, 60) == '"' + "x" * 60 + '"'
    assert quoted("beginning", 20, length=1_000_000) == '"beginning"… (1,000,000 characters)'


@given(st.text())
def test_no_text_leaves_its_quotes(text: str) -> None:
    shown = quoted(text, 30)
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"(… \([\d,]+ characters\))?', shown)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@given(st.text())
def test_words_of_people_stay_on_one_line(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
