{{ config(materialized='view') }}

with

ratings as (
    select * from {{ ref('fct_ratings') }}
),

transactions as (
    select * from {{ ref('fct_transactions') }}
),

events as (
    select * from {{ ref('fct_events') }}
),

shop as (
    select count(*) > 0 as has_transactions from transactions
),

final as (
    select
        concat(
            'r-',
            md5(
                concat_ws(
                    chr(31),
                    user_id,
                    product_id,
                    cast(rated_at as {{ dbt.type_string() }})
                )
            )
        ) as interaction_id,
        user_id,
        product_id,
        'rating' as kind,
        rated_at as occurred_at,
        null as quantity,
        null as line_total,
        null as order_id,
        rating,
        true as is_counted
    from ratings
    union all
    select
        concat('t-', length(order_id), '-', order_id, '-', line_no)
            as interaction_id,
        user_id,
        product_id,
        'purchase' as kind,
        ordered_at as occurred_at,
        quantity,
        line_total,
        order_id,
        null as rating,
        true as is_counted
    from transactions
    union all
    select
        concat('e-', events.event_id) as interaction_id,
        events.user_id,
        events.product_id,
        events.event_type as kind,
        events.occurred_at,
        case when events.event_type = 'purchase' then 1 end as quantity,
        null as line_total,
        null as order_id,
        null as rating,
        events.product_id is not null
        and not (events.event_type = 'purchase' and shop.has_transactions)
            as is_counted
    from events
    cross join shop
)

select * from final
