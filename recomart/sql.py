"""Names and texts inside a SQL statement, where a parameter cannot stand."""

from __future__ import annotations


def literal(text: object) -> str:
    """A string literal: its quotes are doubled."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted name of a column or table."""
    return '"' + name.replace('"', '""') + '"'
