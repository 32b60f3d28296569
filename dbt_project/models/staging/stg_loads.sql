with

final as (
    select
        batch_id,
        source,
        entity,
        source_file,
        sha256,
        bytes,
        status,
        error,
        lines,
        header,
        blank,
        continuation,
        rejected,
        records,
        coalesce(deduplicated, 0) as deduplicated,
        coalesce(redelivered, 0) as redelivered,
        coalesce(filtered, 0) as filtered,
        finished_at
    from {{ source('raw', '_loads') }}
)

select * from final
