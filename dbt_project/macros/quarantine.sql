{#- The quarantined records of an entity as they were received, with their reasons. -#}
{% macro quarantine(entity, columns) -%}
with

set_aside as (
    select * from {{ ref('int_' ~ entity ~ '__set_aside') }}
    where outcome = 'quarantined'
),

final as (
    select
        {%- for column in columns %}
        staged.{{ column }} as {{ column | replace('received_', '', 1) }},
        {%- endfor %}
        set_aside.reject_reasons,
        staged._batch_id,
        staged._source_file,
        staged._record,
        staged._loaded_at
    from {{ ref('stg_' ~ entity) }} as staged
    inner join set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
)

select * from final
{%- endmacro %}
