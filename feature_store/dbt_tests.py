"""What a dbt test is called: the sentence that it claims, and the names that code relies on."""

from __future__ import annotations

import re
from typing import Any

STOP_TEST = "no_rule_is_broken_more_often_than_the_shop_allows"
"""The test that fails when more records break a rule than the shop file allows."""

_CLAIMS = {
    "dq_reconciles": "every line and every record of every file is accounted for",
    "every_record_belongs_to_a_loaded_batch": "every record belongs to a file in the ledger",
}


def claim_of(name: str, node: dict[str, Any]) -> str:
    """What a test checks, as a sentence: its description, or what its kind or its name says.

    Args:
        name: the test's name.
        node: the test in dbt's manifest.
    """
    if described := node.get("description"):
        return str(described)
    metadata = node.get("test_metadata") or {}
    kind, given = metadata.get("name"), metadata.get("kwargs") or {}
    column = given.get("column_name")
    if kind == "unique_combination":
        return f"No two rows have the same {' and '.join(given.get('columns', ()))}."
    if kind == "unique":
        return f"No two rows have the same {column}."
    if kind == "not_null":
        return f"{column} is never empty."
    if kind == "at_most_as_of":
        return f"{column} is never after the shop's clock."
    if kind == "relationships":
        table = re.sub(r"^ref\('(.+)'\)$", r"\1", str(given.get("to")))
        return f"Every {column} is in {table}."
    if kind == "accepted_values":
        return f"{column} is one of {', '.join(map(str, given.get('values', ())))}."
    if kind == "accepted_range":
        bounds = [
            f"{words} {given[key]}"
            for key, words in (("at_least", "at least"), ("at_most", "at most"))
            if given.get(key) is not None
        ]
        return f"{column} is {' and '.join(bounds)}."
    if kind == "has_one_row":
        return "The table has exactly one row."
    sentence = _CLAIMS.get(name) or str(kind or name).replace("_", " ")
    return f"{sentence[:1].upper()}{sentence[1:]}{f' ({column})' if column else ''}."
