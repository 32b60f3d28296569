with

declared as (
    select
        entity,
        value
    from {{ source('raw', '_shop') }}
    where key = 'rule'
),

final as (
    select
        {{ json_text('value', 'rule_id') }} as rule_id,
        entity,
        {{ json_text('value', 'column_name') }} as column_name,
        {{ json_text('value', 'kind') }} as kind,
        {{ json_text('value', 'outcome') }} as outcome,
        {{ json_text('value', 'code') }} as code,
        {{ json_text('value', 'words') }} as words,
        {{ json_text('value', 'because') }} as because,
        cast({{ json_text('value', 'stop_above') }} as double) as stop_above,
        {{ json_text('value', 'in_use') }} = 'true' as in_use,
        cast({{ json_text('value', 'place') }} as integer) as place
    from declared
)

select * from final
