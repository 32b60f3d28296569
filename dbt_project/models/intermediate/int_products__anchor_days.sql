{{ config(materialized='view') }}

with

products as (
    select * from {{ ref('dim_products') }}
),

shop as (
    select * from {{ ref('dim_shop') }}
),

final as (
    select
        products.product_id,
        least(
            {{ day_number('coalesce(
                products.first_seen_at, shop.first_activity_at, shop.as_of
            )') }},
            {{ day_number('shop.as_of') }}
        ) as day_number
    from products
    cross join shop
    union all
    select
        product_id,
        {{ day_number('first_seen_at') }} + 1 as day_number
    from products
    where first_seen_at is not null
)

select * from final
