"""What sqlfluff sees in place of dbt's `context`: each kind of rule has a macro, a call of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def get(name: str) -> Callable[[dict[str, Any]], str]:
    """The macro `rule_<kind>`, rendered as a function of the rule's column."""
    return lambda rule: f"{name}(staged.{rule.get('column_name', 'key')})"
