with

final as (
    select
        staged.user_id,
        staged.signed_up_at,
        staged.country,
        staged.birth_year,
        staged._batch_id
    from {{ ref('stg_users') }} as staged
    where {{ is_accepted('users') }}
)

select * from final
