with

interactions as (
    select * from {{ ref('int_interactions__unioned') }}
    where is_counted
),

products as (
    select * from {{ ref('dim_products') }}
),

final as (
    select
        interactions.interaction_id,
        interactions.user_id,
        interactions.product_id,
        products.category,
        interactions.kind,
        interactions.occurred_at,
        cast(
            coalesce(
                interactions.line_total,
                cast(interactions.quantity as decimal(28, 4)) * products.price
            )
            as decimal(18, 4)
        ) as amount,
        interactions.order_id,
        cast(interactions.rating as decimal(18, 4)) as rating
    from interactions
    inner join products
        on interactions.product_id = products.product_id
)

select * from final
