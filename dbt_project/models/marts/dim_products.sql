with

received as (
    select * from {{ ref('int_products__accepted') }}
),

seen as (
    select
        product_id,
        min(occurred_at) as first_interaction_at
    from {{ ref('int_interactions__unioned') }}
    where product_id is not null
    group by product_id
),

combined as (
    select
        coalesce(received.product_id, seen.product_id) as product_id,
        coalesce(received.category, 'unknown') as category,
        {{ columns_of(
            'received', 'products', but=['product_id', 'category']
        ) }},
        received.product_id is not null as is_in_catalogue,
        least(seen.first_interaction_at, received.first_listed_at)
            as first_seen_at
    from received
    full outer join seen on received.product_id = seen.product_id
),

final as (
    select
        *,
        case
            when price is not null
                then round(
                    percent_rank() over (
                        partition by category, price is null order by price
                    ), 6
                )
        end as price_percentile
    from combined
)

select * from final
