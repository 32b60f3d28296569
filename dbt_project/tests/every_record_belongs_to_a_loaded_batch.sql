-- The account runs over the ledger's batches; a record outside of them would
-- escape it.
with

records as (
    {%- for entity in [
        'users', 'products', 'ratings', 'transactions', 'events',
    ] %}
    select distinct
        _batch_id,
        '{{ entity }}' as entity
    from {{ ref('stg_' ~ entity) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select records.*
from records
left join {{ ref('dq_reconciliation') }} as dq
    on
        records._batch_id = dq.batch_id
        and records.entity = dq.entity
        and dq.status = 'loaded'
where dq.batch_id is null
