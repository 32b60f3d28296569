"""What dbt says when a model and its contract differ, in words that name the columns."""

from __future__ import annotations

from orchestration.transform import _first_line

DBT = """Compilation Error in model ftr_users (models/features/ftr_users.sql)
  This model has an enforced contract that failed.
  Please ensure the name, data_type, and number of columns in your contract match the columns.

  | column_name | definition_type | contract_type | mismatch_reason       |
  | ----------- | --------------- | ------------- | --------------------- |
  | spend       |                 | DOUBLE        | missing in definition |
  | views       | BIGINT          |               | missing in contract   |
  | carts       | BIGINT          | DOUBLE        | data type mismatch    |


  > in macro assert_columns_equivalent (macros/relations/column/columns_spec_ddl.sql)"""


def test_a_contract_that_failed_names_the_columns() -> None:
    assert _first_line(DBT) == (
        "the SQL and the YAML differ in their columns: "
        "spend is declared in the YAML, but not in the SQL; "
        "views is in the SQL, but not declared in the YAML; "
        "carts is of type BIGINT, and declared as DOUBLE"
    )


def test_another_message_is_its_first_lines() -> None:
    assert _first_line("Runtime Error\n\n  a | b\n") == "Runtime Error a | b"
