{#-
    A staged value as the accepted models have it: where the shop's rule fills
    missing ones, with the fill in its place.
-#}
{% macro accepted_value(entity, column) -%}
    {%- set rule = rule_of(entity, column, 'missing') -%}
    {%- if rule and rule.fill is not none -%}
        {%- set fill = rule_literal(rule, rule.fill) -%}
        {%- if rule.data_type == 'text' -%}
    case
        when {{ is_blank('staged.' ~ column) }} then {{ fill }}
        else trim(staged.{{ column }})
    end
        {%- elif rule.data_type == 'number' -%}
    cast(coalesce(staged.{{ column }}, {{ fill }}) as decimal(18, 4))
        {%- elif rule.data_type == 'integer' -%}
    cast(coalesce(staged.{{ column }}, {{ fill }}) as integer)
        {%- else -%}
    coalesce(staged.{{ column }}, {{ fill }})
        {%- endif -%}
    {%- else -%}
    staged.{{ column }}
    {%- endif -%}
{%- endmacro %}

{#- Staged records of an entity that the accepted models have. -#}
{% macro accepted_records(entity) -%}
    {{ ref('stg_' ~ entity) }} as staged
    left join {{ ref('int_' ~ entity ~ '__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
{%- endmacro %}
