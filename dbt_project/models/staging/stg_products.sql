{% set time_format = shop_value('products', 'time_format', 'iso') %}

with

shop as (
    select declared_as_of from {{ ref('stg_shop') }}
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
        {{ reject_reasons('products') }} as reject_reasons
    from typed
    cross join shop
)

select * from final
