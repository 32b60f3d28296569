with

shop as (
    select * from {{ ref('dim_shop') }}
),

users as (
    select * from {{ ref('dim_users') }}
),

history as (
    {{ feature_history(
        daily=ref('int_users__daily'),
        anchors=ref('int_users__anchor_days'),
        keys=['user_id'],
        windowed={
            'interactions': [7, 30, 90],
            'views': [7, 30, 90],
            'carts': [7, 30, 90],
            'purchases': [7, 30, 90],
            'spend': [90],
            'orders': [90],
        },
        lifetime=['ratings', 'ratings_sum', 'ratings_sum_sq'],
        latest=['last_activity_at'],
        until='select ' ~ day_number('as_of') ~ ' from shop',
    ) | indent(4) }}
),

categorised as (
    select
        history.*,
        {{ midnight('history.day_number') }} as event_timestamp,
        sum(coalesce(changes.categories, 0)) over (
            partition by history.user_id
            order by history.day_number
            rows between unbounded preceding and current row
        ) as categories_90d
    from history
    left join {{ ref('int_users__category_changes') }} as changes
        on
            history.user_id = changes.user_id
            and history.day_number = changes.day_number
),

final as (
    select
        categorised.user_id,
        categorised.event_timestamp,
        categorised.event_timestamp as created_at,
        {%- for count in ['interactions', 'views', 'carts', 'purchases'] %}
        {%- for window in [7, 30, 90] %}
        cast(categorised.{{ count }}_{{ window }}d as bigint)
            as user_{{ count }}_{{ window }}d,
        {%- endfor %}
        {%- endfor %}
        cast(categorised.ratings as bigint) as user_ratings_count,
        cast(categorised.ratings_sum as decimal(18, 4)) as user_ratings_sum,
        cast(categorised.ratings_sum_sq as decimal(18, 4))
            as user_ratings_sum_sq,
        cast(categorised.spend_90d as decimal(18, 4)) as user_spend_90d,
        cast(categorised.orders_90d as bigint) as user_orders_90d,
        cast(categorised.categories_90d as bigint) as user_categories_90d,
        categorised.last_activity_at as user_last_activity_at,
        case
            when users.signed_up_at < categorised.event_timestamp
                then users.signed_up_at
        end as user_signed_up_at
    from categorised
    inner join users on categorised.user_id = users.user_id
)

select * from final
