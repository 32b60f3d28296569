{#- The id is on no list: `received_<list>` is joined to the row by join_list(rule). -#}
{% macro rule_reference(rule) -%}
    received_{{ rule.names }}.{{ rule.column_name }} is null
    and not {{ is_blank('staged.' ~ rule.column_name) }}
{%- endmacro %}
