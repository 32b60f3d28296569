"""entities.yml: an entry that is wrong is an error with its line, and facts of events have one home."""

from __future__ import annotations

from pathlib import Path

import pytest

from recomart.errors import ExtensionError
from recomart.events import EVENT_TYPES, MAX_AHEAD
from recomart.shop.entities import SCHEMA, Entity, EntityColumn, TimeLimits, read_entities

FILE = """\
shops:
  record: A shop
  key: [shop_id]
  key_words: shop id
  columns:
    shop_id:
      type: text
      noun: a shop
      description: The shop.
    opened_at:
      type: time
      noun: a time of opening
      description: When it opened, UTC.
      limits: {in_opening: false}
"""


def read(folder: Path, text: str) -> dict[str, Entity]:
    (folder / "entities.yml").write_text(text)
    return read_entities(folder / "entities.yml")


def test_an_entry_is_a_column(tmp_path: Path) -> None:
    shops = read(tmp_path, FILE)["shops"]
    assert shops.columns == (
        EntityColumn("shop_id", "text", "a shop", "The shop."),
        EntityColumn(
            "opened_at",
            "time",
            "a time of opening",
            "When it opened, UTC.",
            limits=TimeLimits(in_opening=False),
        ),
    )
    assert (shops.name, shops.key, shops.list_words) == ("shops", ("shop_id",), None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "      noun: a shop\n",
            "      nown: a shop\n",
            ("shops.columns.shop_id.noun: is missing", "entities.yml:6"),
        ),
        (
            "      description: The shop.\n",
            "      description: The shop.\n      wrods: shop store\n",
            (
                "shops.columns.shop_id.wrods: is not a key here",
                "entities.yml:10   shops.columns.shop_id.wrods: 'shop store'",
                'did you mean "words"?',
            ),
        ),
        ("type: time", "type: date", ("shops.columns.opened_at.type", "entities.yml:11")),
        (
            "{in_opening: false}",
            "{in_opening: sometimes}",
            ("shops.columns.opened_at.limits.in_opening", "entities.yml:14"),
        ),
        (
            "key: [shop_id]",
            "key: [id]",
            ("its key is not one of its columns: id", "entities.yml:1"),
        ),
        ("  key_words: shop id\n", "", ("shops.key_words: is missing", "entities.yml:1")),
        ("    shop_id:\n", "    shop_id: [\n", ("entities.yml is not YAML",)),
        ("opened_at:", "shop_id:", ("entities.yml is not YAML", "duplicate key")),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, says: tuple[str, ...]
) -> None:
    assert old in FILE
    with pytest.raises(ExtensionError) as caught:
        read(tmp_path, FILE.replace(old, new, 1))
    assert all(text in caught.value.render() for text in says), caught.value.render()


def test_types_and_skew_of_events_are_those_of_the_event_schema() -> None:
    events = SCHEMA["events"].by_name
    assert events["event_type"].rules == {"one_of": EVENT_TYPES}
    assert events["event_type"].description == f"One of {', '.join(EVENT_TYPES)}."
    assert events["occurred_at"].limits == TimeLimits(
        by_clock=True, ahead=round(MAX_AHEAD.total_seconds())
    )
