-- A purchase that is both a transaction and an event counts once.
select
    count(*) filter (where order_id is null) as from_events,
    count(*) filter (where order_id is not null) as from_transactions
from {{ ref('fct_interactions') }}
where kind = 'purchase'
having
    count(*) filter (where order_id is null) > 0
    and count(*) filter (where order_id is not null) > 0
