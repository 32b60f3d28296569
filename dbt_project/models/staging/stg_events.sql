{% set time_format = shop_value('events', 'time_format', 'iso') %}

-- Shops whose times are not in ISO read it, which dbt cannot see when it
-- parses.
-- depends_on: {{ ref('stg_loads') }}
with

shop as (
    select declared_as_of from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'events') }}
),

typed as (
    select
        event_id,
        event_type,
        user_id,
        session_id,
        case when not {{ is_blank('product_id') }} then product_id end
            as product_id,
        occurred_at as received_occurred_at,
        {{ parse_event_time('occurred_at', time_format) }} as occurred_at,
        received_at as received_received_at,
        {{ parse_event_time('received_at', time_format) }} as received_at,
        _batch_id,
        _source_file,
        _record,
        _loaded_at
    from received
),

final as (
    select
        typed.*,
        {{ reject_reasons('events') }} as reject_reasons
    from typed
    cross join shop
)

select * from final
