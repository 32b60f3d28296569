{#- There is no value. -#}
{% macro rule_missing(rule) -%}
    {%- if rule.data_type == 'text' -%}
    {{ is_blank('staged.' ~ rule.column_name) }}
    {%- else -%}
    staged.{{ rule.column_name }} is null
    {%- endif -%}
{%- endmacro %}
