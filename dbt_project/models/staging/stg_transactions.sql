{% set time_format = shop_value('transactions', 'time_format', 'iso') %}

with

shop as (
    select declared_as_of from {{ ref('stg_shop') }}
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
        line_total as received_line_total,
        try_cast(line_total as decimal(18, 4)) as line_total,
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
        {{ reject_reasons('transactions') }} as reject_reasons
    from typed
    cross join shop
)

select * from final
