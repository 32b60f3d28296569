"""What sqlfluff sees in place of dbt's own macros."""


def type_string() -> str:
    return "varchar"
