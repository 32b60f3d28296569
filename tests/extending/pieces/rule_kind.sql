{#- The text does not match the pattern. -#}
{% macro rule_matches(rule) -%}
    not regexp_matches(staged.{{ rule.column_name }}, {{ text_literal(rule.pattern) }})
    and not {{ is_blank('staged.' ~ rule.column_name) }}
{%- endmacro %}
