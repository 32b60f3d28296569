{#- Fewer accepted records than declared have the text. -#}
{% macro rule_rare(rule) -%}
    {%- set column = 'staged.' ~ rule.column_name -%}
    {{ column }} in (
        select {{ column }}
        from {{ accepted_records(rule.entity) }}
        where set_aside._record is null and not {{ is_blank(column) }}
        group by {{ column }}
        having count(*) < {{ rule.rare_below }}
    )
{%- endmacro %}
