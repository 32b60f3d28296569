-- A feature row is of a midnight, and every moment that it names lies before.
select
    user_id as entity_id,
    event_timestamp
from {{ ref('ftr_users') }}
where
    event_timestamp <> cast(cast(event_timestamp as date) as timestamp)
    or user_last_activity_at >= event_timestamp
    or user_signed_up_at >= event_timestamp
union all
select
    product_id as entity_id,
    event_timestamp
from {{ ref('ftr_products') }}
where
    event_timestamp <> cast(cast(event_timestamp as date) as timestamp)
    or product_first_seen_at >= event_timestamp
union all
select
    user_id as entity_id,
    event_timestamp
from {{ ref('ftr_user_categories') }}
where event_timestamp <> cast(cast(event_timestamp as date) as timestamp)
