{#- The value lies outside of the bounds. -#}
{% macro rule_range(rule) -%}
    {{ is_outside(rule, 'staged.' ~ rule.column_name) }}
{%- endmacro %}
