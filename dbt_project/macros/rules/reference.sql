{#- The id is not on the list, which join_list(rule) joins as received_<list>. -#}
{% macro rule_reference(rule) -%}
    received_{{ rule.names }}.{{ rule.column_name }} is null
    and not {{ is_blank('staged.' ~ rule.column_name) }}
{%- endmacro %}
