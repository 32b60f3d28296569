with

final as (
    select
        staged.user_id,
        staged.product_id,
        staged.rating,
        staged.rated_at,
        staged._batch_id
    from {{ ref('stg_ratings') }} as staged
    left join {{ ref('int_ratings__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
    where set_aside._record is null
)

select * from final
