"""What sqlfluff sees in place of dbt's own macros."""


def type_string() -> str:
    """What `{{ dbt.type_string() }}` renders to."""
    return "varchar"
