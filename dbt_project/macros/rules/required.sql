{#- No value was received. -#}
{% macro rule_required(rule) -%}
    {{ is_blank('staged.' ~ as_received(rule.column_name, rule.data_type)) }}
{%- endmacro %}
