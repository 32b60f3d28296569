"""What sqlfluff sees in place of dbt's adapter: a dispatched macro is a function of its name."""

from __future__ import annotations

from collections.abc import Callable


def dispatch(name: str) -> Callable[..., str]:
    """A dispatched macro, rendered as a call of its own name."""
    return lambda *arguments: f"{name}({', '.join(map(str, arguments))})"
