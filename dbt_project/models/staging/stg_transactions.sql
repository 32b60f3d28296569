{% set time_format = shop_value('transactions', 'time_format', 'iso') %}

with

shop as (
    select * from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'transactions') }}
),

typed as (
    select
        order_id,
        line_no,
        user_id,
        product_id,
        quantity as received_quantity,
        try_cast(quantity as decimal(18, 4)) as quantity,
        unit_price as received_unit_price,
        try_cast(unit_price as decimal(18, 4)) as unit_price,
        ordered_at as received_ordered_at,
        {{ parse_time('ordered_at', time_format) }} as ordered_at,
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
            missing('order_id'),
            missing('line_no'),
            missing('user_id'),
            missing('product_id'),
            invalid('quantity'),
            out_of_range('quantity', 'quantity > 0 and quantity <= 100000'),
            invalid('unit_price'),
            out_of_range('unit_price', 'unit_price between 0 and 100000000'),
            missing('ordered_at', 'received_ordered_at'),
            invalid('ordered_at'),
            in_the_future('ordered_at'),
            before_opening('ordered_at'),
            after_closing('ordered_at'),
        ]) }} as reject_reasons
    from typed
    cross join shop
)

select * from final
