with

shop as (
    select
        declared_as_of,
        judged_at
    from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'users') }}
),

typed as (
    select
        {{ staged_columns('users') }},
        _batch_id,
        _source_file,
        _record,
        _loaded_at
    from received
),

final as (
    select
        staged.*,
        {{ reject_reasons('users') }} as reject_reasons
    from typed as staged
    cross join shop
)

select * from final
