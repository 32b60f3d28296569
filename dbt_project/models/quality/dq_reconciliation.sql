{%- set accepted = {
    'users': 'int_users__accepted',
    'products': 'int_products__accepted',
    'ratings': 'fct_ratings',
    'transactions': 'fct_transactions',
    'events': 'fct_events',
} -%}

with

loads as (
    select * from {{ ref('stg_loads') }}
    where status = 'loaded'
),

counts as (
    {%- for entity, table in accepted.items() %}
    {{ outcome_counts(entity, table) | indent(4) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

totals as (
    select
        entity,
        _batch_id,
        sum(records) filter (where term = 'received') as received,
        sum(records) filter (where term = 'accepted') as accepted,
        sum(records) filter (where term = 'quarantined') as quarantined,
        sum(records) filter (where term = 'deduplicated') as deduplicated,
        sum(records) filter (where term = 'superseded') as superseded
    from counts
    group by entity, _batch_id
),

final as (
    select
        loads.source,
        loads.entity,
        loads.batch_id,
        loads.source_file,
        loads.lines,
        loads.header,
        loads.blank,
        loads.continuation,
        loads.rejected,
        loads.records,
        cast(coalesce(totals.received, 0) as bigint) as received,
        cast(coalesce(totals.accepted, 0) as bigint) as accepted,
        cast(coalesce(totals.quarantined, 0) as bigint) as quarantined,
        cast(coalesce(totals.deduplicated, 0) as bigint) as deduplicated,
        cast(coalesce(totals.superseded, 0) as bigint) as superseded
    from loads
    left join totals
        on
            loads.entity = totals.entity
            and loads.batch_id = totals._batch_id
)

select * from final
