with

final as (
    select
        {{ accepted_columns('events') }},
        staged._batch_id
    from {{ accepted_records('events') }}
    where set_aside._record is null
)

select * from final
