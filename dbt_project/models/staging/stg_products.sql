{% set time_format = shop_value('products', 'time_format', 'iso') %}

with

shop as (
    select * from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'products') }}
),

typed as (
    select
        product_id,
        title,
        category,
        brand,
        price as received_price,
        try_cast(price as decimal(18, 4)) as price,
        currency,
        in_stock as received_in_stock,
        try_cast(in_stock as boolean) as in_stock,
        updated_at as received_updated_at,
        {{ parse_time('updated_at', time_format) }} as updated_at,
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
            missing('product_id'),
            invalid('price'),
            out_of_range('price', 'price between 0 and 100000000'),
            invalid('in_stock'),
            invalid('updated_at'),
            out_of_range(
                'updated_at', "updated_at >= timestamp '1900-01-01'"
            ),
            in_the_future('updated_at', is_fact=false),
        ]) }} as reject_reasons
    from typed
    cross join shop
)

select * from final
