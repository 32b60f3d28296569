"""A rule of a shop: what it says of which column, and what happens to a record that breaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from recomart.rules.ranges import Bounds
from recomart.shop.entities import DataType

Outcome = Literal["quarantined", "flagged", "deduplicated", "superseded", "filled", "kept"]


@dataclass(frozen=True)
class Rule:
    """One rule. `code` is what reject_reasons and dq_flags name it by; `words` are for people."""

    rule_id: str
    entity: str
    column: str | None
    kind: str
    outcome: Outcome
    code: str
    words: str = ""
    because: str | None = None
    stop_above: float | None = None
    data_type: DataType | None = None
    bounds: Bounds | None = None
    values: tuple[str, ...] = ()
    fill: str | None = None
    names: str | None = None
    """The entity whose list a reference names."""
    in_use: bool = True
    """False if the shop does not map the column: dbt checks the rule, and reports leave it out."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of this kind of rule alone. dbt reads them as fields of the rule."""

    def for_dbt(self, place: int) -> dict[str, Any]:
        """The rule as dbt reads it; the codes of a row stand in the order of `place`."""
        fields = asdict(self)
        own = fields.pop("parameters")
        return {"column_name": fields.pop("column"), "place": place, **fields, **own}

    def to_json(self, place: int) -> str:
        """The rule as a row of raw._shop holds it."""
        return json.dumps(self.for_dbt(place), ensure_ascii=False)
