"""A macro of ours named like one of dbt's own variables hides it from every macro, also dbt's."""

from __future__ import annotations

import re

from recomart.settings import PROJECT_ROOT

OF_DBT = {
    "adapter",
    "api",
    "builtins",
    "column_name",
    "config",
    "database",
    "dbt_metadata_envs",
    "dbt_version",
    "doc",
    "env_var",
    "exceptions",
    "execute",
    "flags",
    "fromjson",
    "fromyaml",
    "graph",
    "invocation_args_dict",
    "invocation_id",
    "load_result",
    "local_md5",
    "log",
    "model",
    "modules",
    "msg",
    "pre_hooks",
    "post_hooks",
    "print",
    "project_name",
    "ref",
    "results",
    "return",
    "run_query",
    "run_started_at",
    "schema",
    "selected_resources",
    "set",
    "source",
    "sql",
    "sql_now",
    "statement",
    "store_result",
    "target",
    "this",
    "thread_id",
    "tojson",
    "toyaml",
    "try_or_compiler_error",
    "validation",
    "var",
    "write",
    "zip",
}
"""Names of dbt's Jinja context. `flags` as a macro left the log of runs (record_run.sql) empty:
the gate before publishing then looked at an older run."""


def test_no_macro_hides_a_name_of_dbt() -> None:
    macros = {
        name
        for path in (PROJECT_ROOT / "dbt_project" / "macros").glob("**/*.sql")
        for name in re.findall(r"{%-?\s*macro\s+(\w+)", path.read_text(encoding="utf-8"))
    }
    assert len(macros) > 10
    assert macros & OF_DBT == set()
