{#- The text is not on the list of allowed ones. -#}
{% macro rule_one_of(rule) -%}
    {%- set allowed = [] -%}
    {%- for text in rule['values'] -%}{%- do allowed.append(text_literal(text)) -%}{%- endfor -%}
    staged.{{ rule.column_name }} not in ({{ allowed | join(', ') }})
    and not {{ is_blank('staged.' ~ rule.column_name) }}
{%- endmacro %}
