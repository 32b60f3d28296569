-- Shops whose times are not in ISO read it, which dbt cannot see when it
-- parses without a lake.
-- depends_on: {{ ref('stg_loads') }}
with

shop as (
    select
        declared_as_of,
        judged_at
    from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'events') }}
),

typed as (
    select
        {{ staged_columns('events') }},
        _batch_id,
        _source_file,
        _record,
        _loaded_at
    from received
),

final as (
    select
        staged.*,
        {{ reject_reasons('events') }} as reject_reasons
    from typed as staged
    cross join shop
)

select * from final
