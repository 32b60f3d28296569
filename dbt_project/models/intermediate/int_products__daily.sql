with

interactions as (
    select * from {{ ref('fct_interactions') }}
    where kind in ('view', 'add_to_cart', 'purchase', 'rating')
),

final as (
    select
        product_id,
        {{ day_number('occurred_at') }} as day_number,
        count(*) filter (where kind = 'view') as views,
        count(*) filter (where kind = 'add_to_cart') as carts,
        count(*) filter (where kind = 'purchase') as purchases,
        count(rating) as ratings,
        coalesce(sum(rating), 0) as ratings_sum
    from interactions
    group by 1, 2
)

select * from final
