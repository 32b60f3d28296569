with

final as (
    select
        staged.order_id,
        staged.line_no,
        staged.user_id,
        staged.product_id,
        cast(coalesce(staged.quantity, 1) as decimal(18, 4)) as quantity,
        staged.unit_price,
        staged.ordered_at,
        staged._batch_id
    from {{ ref('stg_transactions') }} as staged
    where {{ is_accepted('transactions') }}
)

select * from final
