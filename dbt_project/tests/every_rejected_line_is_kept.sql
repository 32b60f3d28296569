-- The ledger counts as many rejected lines per batch as raw.rejects holds.
with

kept as (
    select
        batch_id,
        count(*) as rejects
    from {{ ref('stg_rejects') }}
    group by batch_id
)

select
    dq.batch_id,
    dq.rejected,
    kept.rejects
from {{ ref('dq_reconciliation') }} as dq
left join kept on dq.batch_id = kept.batch_id
where dq.rejected <> coalesce(kept.rejects, 0)
