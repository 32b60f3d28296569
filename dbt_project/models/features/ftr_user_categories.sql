with

shop as (
    select * from {{ ref('dim_shop') }}
),

history as (
    {{ feature_history(
        daily=ref('int_user_categories__daily'),
        keys=['user_id', 'category'],
        windowed={'interactions': [90], 'spend': [90]},
        until='select ' ~ day_number('as_of') ~ ' from shop',
    ) | indent(4) }}
),

final as (
    select
        user_id,
        category,
        {{ midnight('day_number') }} as event_timestamp,
        {{ midnight('day_number') }} as created_at,
        cast(interactions_90d as bigint) as user_category_interactions_90d,
        cast(spend_90d as decimal(18, 4)) as user_category_spend_90d
    from history
)

select * from final
