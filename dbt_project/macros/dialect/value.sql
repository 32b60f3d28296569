{#- Text as received to a value of a type of columns but time; null where it is none. -#}
{% macro parse_value(column, type) -%}
    {%- if type == 'number' -%}
        {{- return(adapter.dispatch('parse_number')(column)) -}}
    {%- elif type == 'integer' -%}
        {{- return(adapter.dispatch('parse_integer')(column)) -}}
    {%- elif type == 'boolean' -%}
        {{- return(adapter.dispatch('parse_boolean')(column)) -}}
    {%- endif -%}
    {{- return('try_cast(' ~ column ~ ' as ' ~ sql_type(type) ~ ')') -}}
{%- endmacro %}

{#- As a number, with 18 decimals: parse_value rounds to four. -#}
{% macro parse_exact_number(column) -%}
    {{- return(adapter.dispatch('parse_exact_number')(column)) -}}
{%- endmacro %}

{% macro spark__parse_number(column) -%}
    try_cast({{ column }} as decimal(18,4))
{%- endmacro %}

{% macro spark__parse_exact_number(column) -%}
    try_cast({{ column }} as decimal(38,18))
{%- endmacro %}

{% macro spark__parse_integer(column) -%}
    case when {{ column }} rlike r'^\s*[-+]?\d+(\.0*)?\s*$' then try_cast({{ column }} as int) end
{%- endmacro %}

{% macro spark__parse_boolean(column) -%}
    try_cast({{ column }} as boolean)
{%- endmacro %}
