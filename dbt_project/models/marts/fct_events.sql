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
    left join {{ ref('int_events__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
    where set_aside._record is null
)

select * from final
