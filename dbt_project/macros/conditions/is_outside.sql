{#- Whether a value lies outside of a rule's bounds; null for no value. -#}
{% macro is_outside(rule, column) -%}
    {%- set bounds = rule.bounds -%}
    {%- set outside = [] -%}
    {%- if bounds.low -%}
        {%- do outside.append(
            column ~ (' <= ' if bounds.low_open else ' < ')
            ~ literal_of(rule, bounds.low)
        ) -%}
    {%- endif -%}
    {%- if bounds.high -%}
        {%- do outside.append(
            column ~ (' >= ' if bounds.high_open else ' > ')
            ~ literal_of(rule, bounds.high)
        ) -%}
    {%- endif -%}
    {{- return('(' ~ outside | join(' or ') ~ ')') -}}
{%- endmacro %}
