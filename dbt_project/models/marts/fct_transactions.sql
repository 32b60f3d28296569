with

accepted as (
    select
        staged.order_id,
        staged.line_no,
        staged.user_id,
        staged.product_id,
        {{ accepted_value('transactions', 'quantity') }} as quantity,
        {{ accepted_value('transactions', 'unit_price') }} as unit_price,
        {{ accepted_value('transactions', 'line_total') }} as line_total,
        staged.ordered_at,
        staged._batch_id
    from {{ ref('stg_transactions') }} as staged
    left join {{ ref('int_transactions__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
    where set_aside._record is null
),

final as (
    select
        order_id,
        line_no,
        user_id,
        product_id,
        quantity,
        coalesce(unit_price, cast(line_total / quantity as decimal(18, 4)))
            as unit_price,
        -- decimals of 18 digits, multiplied, overflow at 10 before the point
        coalesce(
            line_total,
            cast(
                cast(quantity as decimal(28, 4)) * unit_price as decimal(18, 4)
            )
        ) as line_total,
        ordered_at,
        _batch_id
    from accepted
)

select * from final
