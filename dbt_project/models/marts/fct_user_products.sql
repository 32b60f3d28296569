with

interactions as (
    select * from {{ ref('fct_interactions') }}
    where kind in ('purchase', 'rating')
),

final as (
    select
        user_id,
        product_id,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at,
        count(*) as times
    from interactions
    group by user_id, product_id
)

select * from final
