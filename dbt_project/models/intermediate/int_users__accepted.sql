with

final as (
    select
        staged.user_id,
        staged.signed_up_at,
        {{ accepted_value('users', 'country') }} as country,
        {{ accepted_value('users', 'birth_year') }} as birth_year,
        staged._batch_id
    from {{ ref('stg_users') }} as staged
    left join {{ ref('int_users__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
    where set_aside._record is null
)

select * from final
