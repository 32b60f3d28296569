{#-
    A declaration of the shop that shapes the SQL itself, such as a time format:
    raw._shop is read while the model compiles. Values that are only compared
    come from stg_shop instead.
-#}
{% macro shop_value(entity, key, default) -%}
    {%- set relation = source('raw', '_shop') -%}
    {%- if execute -%}
        {%- set found = run_query(
            "select value from " ~ relation
            ~ " where entity = '" ~ entity ~ "' and key = '" ~ key ~ "'"
        ) -%}
        {{- return(found.columns[0].values()[0] if found.rows else default) -}}
    {%- endif -%}
    {{- return(default) -}}
{%- endmacro %}
