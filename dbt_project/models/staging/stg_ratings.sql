{% set time_format = shop_value('ratings', 'time_format', 'iso') %}

with

shop as (
    select declared_as_of from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'ratings') }}
),

typed as (
    select
        user_id,
        product_id,
        rating as received_rating,
        try_cast(rating as decimal(18, 4)) as rating,
        rated_at as received_rated_at,
        {{ parse_time('rated_at', time_format) }} as rated_at,
        _batch_id,
        _source_file,
        _record,
        _loaded_at
    from received
),

final as (
    select
        typed.*,
        {{ reject_reasons('ratings') }} as reject_reasons
    from typed
    cross join shop
)

select * from final
