"""Quotes names and texts for SQL statements, where a parameter is not allowed."""

from __future__ import annotations


def literal(text: object) -> str:
    """A string literal, with its quotes doubled."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted name of a column or table."""
    return '"' + name.replace('"', '""') + '"'
