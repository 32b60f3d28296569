with

accepted as (
    {{ accepted_order_lines() }}
),

final as (
    select
        {{ columns_of(
            'accepted', 'transactions', but=['unit_price', 'line_total']
        ) }},
        coalesce(unit_price, cast(line_total / quantity as decimal(18, 4)))
            as unit_price,
        -- decimals of 18 digits, multiplied, overflow at 10 before the point
        coalesce(
            line_total,
            cast(
                cast(quantity as decimal(28, 4)) * unit_price as decimal(18, 4)
            )
        ) as line_total,
        _batch_id
    from accepted
)

select * from final
