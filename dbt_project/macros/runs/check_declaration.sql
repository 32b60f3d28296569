{#-
    Before a run: each kind of rule is complete, the lake holds data, and dbt
    compiles from the declaration that raw._shop was written with.
-#}
{% macro check_declaration() -%}
    {%- if execute and changes_tables() -%}
        {%- do check_rule_macros() -%}
        {%- set tables = run_query(
            "select 1 from information_schema.tables "
            ~ "where table_schema = 'raw' and table_name = '_shop'"
        ) -%}
        {%- if not tables.rows -%}
            {{- exceptions.raise_compiler_error(
                'the lake holds no data; run "recomart ingest" first'
            ) -}}
        {%- endif -%}
        {%- set found = run_query(
            "select value from raw._shop where key = 'declaration'"
        ) -%}
        {%- set written = found.columns[0].values() | first | default('') -%}
        {%- if written != declaration().fingerprint -%}
            {{- exceptions.raise_compiler_error(
                "the lake's rules in dbt_macros/shop_declared.sql are not those of raw._shop: "
                ~ 'this lake is older than they are, or another ingest came between. Run '
                ~ '"recomart transform" once, which writes both; then dbt by hand works too'
            ) -}}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Each kind of rule has a Python module and a macro; one without the other is of no use. -#}
{% macro check_rule_macros() -%}
    {%- set macros = registered_rule_macros() -%}
    {%- for kind in declaration().rule_kinds if kind not in macros -%}
        {%- do refuse_kind(kind) -%}
    {%- endfor -%}
    {%- for kind in macros if kind not in declaration().rule_kinds -%}
        {{- exceptions.raise_compiler_error(
            'dbt_project/macros/rules/' ~ kind ~ '.sql has no Python module: write '
            ~ 'quality/rules/' ~ kind ~ '.py, or remove the macro'
        ) -}}
    {%- endfor -%}
{%- endmacro %}
