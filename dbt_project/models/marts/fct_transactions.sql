with

final as (
    select
        staged.order_id,
        staged.line_no,
        staged.user_id,
        staged.product_id,
        {{ accepted_value('transactions', 'quantity') }} as quantity,
        {{ accepted_value('transactions', 'unit_price') }} as unit_price,
        staged.ordered_at,
        staged._batch_id
    from {{ ref('stg_transactions') }} as staged
    left join {{ ref('int_transactions__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
    where set_aside._record is null
)

select * from final
