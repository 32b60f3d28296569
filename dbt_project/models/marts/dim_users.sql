with

received as (
    select * from {{ ref('int_users__accepted') }}
),

seen as (
    select
        user_id,
        min(occurred_at) as first_seen_at
    from {{ ref('int_interactions__unioned') }}
    group by user_id
),

final as (
    select
        coalesce(received.user_id, seen.user_id) as user_id,
        {{ columns_of('received', 'users', but=['user_id']) }},
        received.user_id is not null as is_registered,
        seen.first_seen_at
    from received
    full outer join seen on received.user_id = seen.user_id
)

select * from final
