with

shop as (
    select * from {{ ref('stg_shop') }}
),

activity as (
    select
        min(occurred_at) as first_activity_at,
        max(occurred_at) as last_activity_at,
        coalesce(bool_or(kind = 'rating'), false) as has_ratings
    from {{ ref('int_interactions__unioned') }}
),

loads as (
    select max(finished_at) as last_load_at from {{ ref('stg_loads') }}
),

final as (
    select
        shop.name,
        shop.title,
        coalesce(
            shop.declared_as_of, activity.last_activity_at, loads.last_load_at
        ) as as_of,
        activity.first_activity_at,
        shop.rating_min,
        shop.rating_max,
        coalesce(
            shop.relevant_rating,
            shop.rating_min + 0.6 * (shop.rating_max - shop.rating_min)
        ) as relevant_rating,
        (shop.rating_min + shop.rating_max) / 2 as prior_rating,
        cast(5 as double) as prior_weight,
        shop.repeat_purchases,
        activity.has_ratings,
        shop.currency
    from shop
    cross join activity
    cross join loads
)

select * from final
