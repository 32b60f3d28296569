"""`where` of a source: which records the shop takes, by the texts of the source's columns."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from recomart.shop.places import nearest

_EXPECTED = (
    "expected a text, a list of texts, or {not: ...}; put numbers, true and false in quotes, "
    "and write null for a missing value"
)


class TextFilter(BaseModel):
    """Which texts of a column a record may have. None among the texts is a missing value.

    Args:
        texts: as received.
        but: all texts but these.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    texts: tuple[str | None, ...]
    but: bool = False


def _read(declared: Any) -> Any:
    if isinstance(declared, TextFilter):
        return declared
    but = isinstance(declared, dict)
    if isinstance(declared, dict):
        if list(declared) != ["not"]:
            key = next((str(key) for key in declared if key != "not"), "")
            raise ValueError(f"'{key}' is not a key here; {nearest(key, ['not']) or _EXPECTED}")
        declared = declared["not"]
    texts = tuple(declared) if isinstance(declared, list | tuple) else (declared,)
    if not texts:
        raise ValueError("names no text, so that no record could have it")
    if not all(text is None or isinstance(text, str) for text in texts):
        raise ValueError(_EXPECTED)
    return TextFilter(texts=tuple(text or None for text in texts), but=but)


RowFilter = dict[str, Annotated[TextFilter, BeforeValidator(_read)]]
"""The source's column -> the texts that a record may have in it; a record must pass all of them."""
