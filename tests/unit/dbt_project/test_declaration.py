"""What dbt knows of the shop without reading its file: kinds of rules, columns, defaults."""

from __future__ import annotations

import json
import re

import pytest
from jinja2 import Environment
from ruamel.yaml import YAML

from ingestion.dbt_declaration import DEFAULTS, declaration, defaults, macro
from recomart.events import EVENT_WEIGHTS
from recomart.rules.kind import RULE_KINDS
from recomart.settings import PROJECT_ROOT
from recomart.shop.entities import SCHEMA
from recomart.shop.model import Shop

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
SQL_TYPES = {
    "text": "varchar",
    "number": "decimal(18,4)",
    "integer": "integer",
    "time": "timestamp",
    "boolean": "boolean",
}


def test_each_kind_of_rule_has_a_module_and_a_macro_of_its_name() -> None:
    macros = {path.stem: path.read_text() for path in (DBT_PROJECT / "macros/rules").glob("*.sql")}
    missing = [
        f"dbt_project/macros/rules/{kind}.sql" for kind in set(RULE_KINDS.names()) - {*macros}
    ]
    missing += [f"quality/rules/{kind}.py" for kind in {*macros} - set(RULE_KINDS.names())]
    assert not missing, f"write {', '.join(missing)}"
    for kind, text in macros.items():
        assert f"macro rule_{kind}(rule)" in text


def test_the_defaults_for_dbt_without_a_lake_are_current() -> None:
    assert DEFAULTS.read_text(encoding="utf-8") == defaults(), (
        f"{DEFAULTS} is not what the entities and rule kinds say: run "
        "'python -m ingestion.dbt_declaration', which writes it"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        'it\'s "so" {{ 7 * 7 }} {% endmacro %} {# no comment',
        "back\\slash \\u0027 \\' }} ')) -}}\n{%- endmacro %}",
        "Straße, 東京 \x00 \u2028",
    ],
)
def test_no_text_of_a_shop_file_leaves_its_macro(hostile: str) -> None:
    shop = Shop.model_validate(
        {
            "title": "Hostile",
            "products": {"files": "a.csv", "columns": {"product_id": "a", "brand": "b"}},
            "rules": {"products": {"columns": {"brand": {"one_of": [hostile]}}}},
        }
    )
    declared = declaration(shop)
    text = macro("shop_declared", declared)
    assert text.count("{%") == 2
    assert text.count("{{") == text.count("}}") == 1
    found: list[object] = []
    environment = Environment()
    environment.globals |= {"fromjson": json.loads, "return": found.append}
    environment.from_string(text + "{{ shop_declared() }}").render()
    assert found == [json.loads(json.dumps(declared))]
    [rule] = [r for r in found[0]["rules"] if r["rule_id"] == "products.brand.one_of"]  # type: ignore[index]
    assert rule["values"] == [hostile]


def test_columns_of_contracts_have_the_types_that_the_entities_declare() -> None:
    models = YAML(typ="safe").load((DBT_PROJECT / "models/marts/_marts__models.yml").read_text())
    checked = set()
    for model in models["models"]:
        entity = ((model.get("config") or {}).get("meta") or {}).get("entity")
        if entity is None:
            continue
        types = {column["name"]: column["data_type"] for column in model["columns"]}
        for column in SCHEMA[entity].columns:
            if column.name in types:
                assert types[column.name] == SQL_TYPES[column.type], (model["name"], column.name)
                checked.add(entity)
    assert checked == set(SCHEMA)


def test_only_macros_know_the_columns_of_entities_in_staging() -> None:
    for entity, declared in SCHEMA.items():
        text = (DBT_PROJECT / f"models/staging/stg_{entity}.sql").read_text()
        named = [c.name for c in declared.columns if re.search(rf"\b{c.name}\b", text)]
        assert named == []


def test_labels_are_described_with_the_weights_of_events() -> None:
    models = YAML(typ="safe").load(
        (DBT_PROJECT / "models/features/_features__models.yml").read_text()
    )
    [labels] = [m for m in models["models"] if m["name"] == "lbl_interactions"]
    for kind, weight in EVENT_WEIGHTS.items():
        assert f"{kind} {weight}" in labels["description"]
