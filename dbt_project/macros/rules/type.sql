{#- A value was received, and it is not of the column's type. -#}
{% macro rule_type(rule) -%}
    staged.{{ rule.column_name }} is null
    and not {{ is_blank('staged.' ~ as_received(rule.column_name, rule.data_type)) }}
{%- endmacro %}
