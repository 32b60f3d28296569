-- What is about to be published for a user equals a plain count over the days
-- before as_of's own: the histories' running sums have not drifted.
with

shop as (
    select {{ day_number('as_of') }} as today from {{ ref('dim_shop') }}
),

interactions as (
    select
        facts.user_id,
        facts.amount,
        shop.today - {{ day_number('facts.occurred_at') }} as days_ago
    from {{ ref('fct_interactions') }} as facts
    cross join shop
    where facts.kind <> 'impression'
),

counted as (
    select
        user_id,
        count(*) filter (where days_ago <= 7) as interactions_7d,
        count(*) filter (where days_ago <= 30) as interactions_30d,
        count(*) as interactions_90d,
        coalesce(sum(amount), 0) as spend_90d
    from interactions
    where days_ago between 1 and 90
    group by user_id
),

published as (
    select *
    from {{ ref('ftr_users') }}
    qualify
        row_number() over (partition by user_id order by event_timestamp desc)
        = 1
)

select published.user_id
from published
left join counted on published.user_id = counted.user_id
where
    published.user_interactions_7d <> coalesce(counted.interactions_7d, 0)
    or published.user_interactions_30d <> coalesce(counted.interactions_30d, 0)
    or published.user_interactions_90d <> coalesce(counted.interactions_90d, 0)
    or published.user_spend_90d <> coalesce(counted.spend_90d, 0)
