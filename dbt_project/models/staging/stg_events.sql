{% set time_format = shop_value('events', 'time_format', 'iso') %}

with

shop as (
    select * from {{ ref('stg_shop') }}
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
        {{ parse_time('occurred_at', time_format) }} as occurred_at,
        received_at as received_received_at,
        {{ parse_time('received_at', time_format) }} as received_at,
        _batch_id,
        _source_file,
        _record,
        _loaded_at
    from received
),

final as (
    select
        typed.*,
        {{ reject_reasons([
            missing('event_id'),
            missing('event_type'),
            unknown('event_type', event_types()),
            missing('user_id'),
            missing('occurred_at', 'received_occurred_at'),
            invalid('occurred_at'),
            in_the_future('occurred_at'),
            before_opening('occurred_at'),
            after_closing('occurred_at'),
        ]) }} as reject_reasons
    from typed
    cross join shop
)

select * from final
