{{ config(materialized='view') }}

with

users as (
    select * from {{ ref('dim_users') }}
),

shop as (
    select * from {{ ref('dim_shop') }}
),

final as (
    select
        users.user_id,
        least(
            {{ day_number('coalesce(
                least(users.first_seen_at, users.signed_up_at),
                shop.first_activity_at,
                shop.as_of
            )') }},
            {{ day_number('shop.as_of') }}
        ) as day_number
    from users
    cross join shop
    union all
    select
        user_id,
        {{ day_number('signed_up_at') }} + 1 as day_number
    from users
    where signed_up_at is not null
)

select * from final
