with

final as (
    select
        {{ accepted_columns('ratings') }},
        staged._batch_id
    from {{ accepted_records('ratings') }}
    where set_aside._record is null
)

select * from final
