with

interactions as (
    select * from {{ ref('fct_interactions') }}
    where kind <> 'impression'
),

final as (
    select
        user_id,
        category,
        {{ day_number('occurred_at') }} as day_number,
        count(*) as interactions,
        count(*) filter (where kind = 'view') as views,
        count(*) filter (where kind = 'add_to_cart') as carts,
        count(*) filter (where kind = 'purchase') as purchases,
        count(rating) as ratings,
        coalesce(sum(rating), 0) as ratings_sum,
        coalesce(
            sum(
                cast(cast(rating as decimal(28, 4)) * rating as decimal(18, 4))
            ),
            0
        ) as ratings_sum_sq,
        coalesce(sum(amount), 0) as spend,
        max(occurred_at) as last_activity_at
    from interactions
    group by 1, 2, 3
)

select * from final
