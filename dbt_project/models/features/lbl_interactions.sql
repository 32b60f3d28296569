with

shop as (
    select * from {{ ref('dim_shop') }}
),

interactions as (
    select * from {{ ref('fct_interactions') }}
),

ratings as (
    select
        user_id,
        product_id,
        category,
        occurred_at as event_timestamp,
        cast(rating as double) as label,
        'rating' as label_kind
    from interactions
    where kind = 'rating'
),

strengths as (
    select
        interactions.user_id,
        interactions.product_id,
        interactions.category,
        max(interactions.occurred_at) as event_timestamp,
        sum(
            case interactions.kind
                {%- for kind, weight in declaration().event_weights.items() %}
                when '{{ kind }}' then {{ weight }}
                {%- endfor %}
            end
        ) as strength
    from interactions
    cross join shop
    where interactions.kind <> 'impression' and not shop.has_ratings
    group by
        interactions.user_id,
        interactions.product_id,
        interactions.category,
        {{ day_number('interactions.occurred_at') }}
),

affinities as (
    select
        strengths.user_id,
        strengths.product_id,
        strengths.category,
        strengths.event_timestamp,
        round(
            shop.rating_min
            + (shop.rating_max - shop.rating_min)
            * greatest(strengths.strength, 0)
            / (greatest(strengths.strength, 0) + 3), 6
        ) as label,
        'affinity' as label_kind
    from strengths
    cross join shop
),

final as (
    select * from ratings
    union all
    select * from affinities
)

select * from final
