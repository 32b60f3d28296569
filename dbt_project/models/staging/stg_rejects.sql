with

final as (
    select
        batch_id,
        source_file,
        line,
        byte_offset,
        reason,
        text
    from {{ source('raw', 'rejects') }}
)

select * from final
