with

final as (
    select
        staged.event_id,
        staged.event_type,
        staged.user_id,
        staged.session_id,
        staged.product_id,
        staged.occurred_at,
        staged.received_at,
        staged._batch_id
    from {{ ref('stg_events') }} as staged
    where {{ is_accepted('events') }}
)

select * from final
