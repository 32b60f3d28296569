with

user_categories as (
    select * from {{ ref('int_user_categories__daily') }}
),

purchases as (
    select * from {{ ref('fct_interactions') }}
    where kind = 'purchase'
),

order_days as (
    select
        user_id,
        min({{ day_number('occurred_at') }}) as day_number
    from purchases
    group by user_id, coalesce(order_id, interaction_id)
),

orders as (
    select
        user_id,
        day_number,
        count(*) as orders
    from order_days
    group by user_id, day_number
),

activity as (
    select
        user_id,
        day_number,
        sum(interactions) as interactions,
        sum(views) as views,
        sum(carts) as carts,
        sum(purchases) as purchases,
        sum(ratings) as ratings,
        sum(ratings_sum) as ratings_sum,
        sum(ratings_sum_sq) as ratings_sum_sq,
        sum(spend) as spend,
        max(last_activity_at) as last_activity_at
    from user_categories
    group by user_id, day_number
),

final as (
    select
        activity.*,
        coalesce(orders.orders, 0) as orders
    from activity
    left join orders
        on
            activity.user_id = orders.user_id
            and activity.day_number = orders.day_number
)

select * from final
