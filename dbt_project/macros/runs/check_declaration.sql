{#-
    Before a run: the lake holds data, and dbt compiled from what the shop's file
    said when the lake was last declared (raw._shop has the fingerprint). And each
    macro of macros/rules/ has its Python module.
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

{#- A macro in macros/rules/ without a module in recomart/rules/kinds/ would never be used. -#}
{% macro check_rule_macros() -%}
    {%- for name in registered_rule_macros() if name not in declaration().rule_kinds -%}
        {{- exceptions.raise_compiler_error(
            'macros/rules/' ~ name ~ '.sql has no Python module: write recomart/rules/kinds/'
            ~ name ~ '.py (docs/extending.md), or remove the macro rule_' ~ name
        ) -}}
    {%- endfor -%}
{%- endmacro %}
