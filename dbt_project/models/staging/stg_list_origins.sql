{{ config(
    materialized='view' if declaration().made_lists is defined else 'ephemeral'
) }}

with

final as (
    select
        entity,
        _batch_id,
        _record,
        origin_record
    from {{ source('raw', '_list_origins') }}
)

select * from final
