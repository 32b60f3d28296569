with

final as (
    select
        {{ accepted_columns('users') }},
        staged._batch_id
    from {{ accepted_records('users') }}
    where set_aside._record is null
)

select * from final
