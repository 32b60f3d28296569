with

final as (
    select
        entity,
        cast(
            max(value) filter (where key = 'stop_above') as double
        ) as stop_above,
        cast(max(value) filter (where key = 'stop_from') as bigint) as stop_from
    from {{ source('raw', '_shop') }}
    where key in ('stop_above', 'stop_from')
    group by entity
)

select * from final
