"""What dbt knows of the shop: its entities' columns, its time formats and its rules.

They reach dbt as a macro, because Jinja opens no files, and dbt by hand is given no vars. Ingest and
transform write `<lake>/dbt_macros/shop_declared.sql`; `dbt_project.yml` names that folder. So the
pipeline and `dbt build` by hand compile the same SQL, and no query runs at compile time. Without a
lake dbt compiles from `dbt_project/macros/shop/shop_defaults.sql`: a shop that says nothing.
`python -m ingestion.dbt_declaration` writes that file.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from recomart.events import EVENT_WEIGHTS
from recomart.files import replace_text
from recomart.project import DBT_PROJECT
from recomart.rules.kind import RULE_KINDS
from recomart.rules.rule import Rule
from recomart.rules.rulebook import every_rule
from recomart.shop.entities import SCHEMA
from recomart.shop.model import Shop

DEFAULTS = DBT_PROJECT / "macros" / "shop" / "shop_defaults.sql"
FORMAT = 2
"""Counts up with the keys of a declaration; `declaration()` refuses another one."""
_SHARED = ("name", "type", "required", "references", "identifies", "blank_is_null")


def declare_to_dbt(lake: Path, shop: Shop) -> str:
    """Write the shop's macro into its lake.

    Returns:
        The declaration's fingerprint; a run of dbt compares it with that in raw._shop.
    """
    declared = declaration(shop)
    replace_text(lake / "dbt_macros" / "shop_declared.sql", macro("shop_declared", declared))
    return str(declared["fingerprint"])


def declaration(shop: Shop) -> dict[str, Any]:
    """What dbt's macros read, as JSON values. `macros/shop/declaration.sql` describes it."""
    lists = {name: list(of) for name, of in shop.made_lists().items() if of}
    cancellations = _cancellations(shop)
    declared = {
        "format": FORMAT,
        "rule_kinds": list(RULE_KINDS.names()),
        "event_weights": EVENT_WEIGHTS,
        "time_formats": {name: s.time_format for name, s in shop.sources().items()},
        **({"made_lists": lists} if lists else {}),
        **({"cancellations": cancellations} if cancellations else {}),
        "entities": {
            entity.name: {
                "key": list(entity.key),
                "columns": [_filled({a: getattr(c, a) for a in _SHARED}) for c in entity.columns],
            }
            for entity in SCHEMA.values()
        },
        "rules": [_sql_of(rule, place) for place, rule in enumerate(every_rule(shop))],
    }
    zones = {name: s.time_zone for name, s in shop.sources().items() if s.time_zone is not None}
    if zones:
        declared["time_zones"] = zones
    text = json.dumps(declared, sort_keys=True)
    return {"fingerprint": hashlib.sha256(text.encode()).hexdigest()[:16], **declared}


def _cancellations(shop: Shop) -> dict[str, Any]:
    """What marks a cancellation, beyond what ingestion has marked in the raw table."""
    declared = shop.transactions.cancellations if shop.transactions else None
    return declared.model_dump(include={"negative_quantity", "order_prefix"}) if declared else {}


def macro(name: str, declared: dict[str, Any]) -> str:
    """A dbt macro of this name that returns the declaration.

    No text of the shop file can end the macro or run as Jinja: braces and the like inside JSON's
    strings are written as escapes, and those of JSON itself never meet.
    """
    text = re.sub(
        r'"(?:[^"\\]|\\.)*"',
        lambda found: re.sub(r"[{}%#']", lambda sign: f"\\u{ord(sign[0]):04x}", found[0]),
        json.dumps(declared),
    )
    lines = text.replace("}, ", "},\n").replace("}}", "} }")
    escaped = lines.replace("\\", "\\\\")
    return (
        "{#- Written by ingestion/dbt_declaration.py; do not edit. -#}\n"
        f"{{% macro {name}() -%}}\n{{{{- return(fromjson('{escaped}')) -}}}}\n{{%- endmacro %}}\n"
    )


def _sql_of(rule: Rule, place: int) -> dict[str, Any]:
    """What shapes SQL; the words of a rule and its share come to dbt as rows of raw._shop."""
    fields = rule.for_dbt(place)
    return _filled({k: v for k, v in fields.items() if k not in ("words", "because", "stop_above")})


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    unset = (None, False, (), "")
    return {key: value for key, value in fields.items() if not any(value is no for no in unset)}


def defaults() -> str:
    """The text of `DEFAULTS`."""
    return macro("shop_defaults", declaration(Shop.model_validate({"title": "Any shop"})))


if __name__ == "__main__":
    replace_text(DEFAULTS, defaults())
