{#-
    The records of an entity that break a rule, as they were received, with all
    their reasons: those of staging, and ids that are on no list.
-#}
{% macro quarantine(entity) -%}
{%- set lists = {'users': ref('stg_users'), 'products': ref('stg_products')} -%}
{%- set references = [] -%}
{%- for rule in rules_of(entity) if rule.outcome == 'quarantined' and rule.names -%}
    {%- do references.append(rule) -%}
{%- endfor -%}
with

checked as (
    select
        {%- for column in entity_columns(entity) %}
        staged.{{ as_received(column.name, column.type) }} as {{ column.name }},
        {%- endfor %}
        nullif(concat_ws(',',
            staged.reject_reasons
            {%- for rule in references %},
            case when {{ condition_of(rule) }} then '{{ rule.code }}' end
            {%- endfor %}
        ), '') as reject_reasons,
        staged._batch_id,
        staged._source_file,
        staged._record,
        staged._loaded_at
    from {{ ref('stg_' ~ entity) }} as staged
    {%- for rule in references %}
    {{ join_list(rule) | indent(4) }}
    {%- endfor %}
),

final as (
    select * from checked where reject_reasons is not null
)

select * from final
{%- endmacro %}
