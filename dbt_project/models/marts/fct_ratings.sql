with

final as (
    select
        staged.user_id,
        staged.product_id,
        staged.rating,
        staged.rated_at,
        staged._batch_id
    from {{ ref('stg_ratings') }} as staged
    where {{ is_accepted('ratings') }}
)

select * from final
