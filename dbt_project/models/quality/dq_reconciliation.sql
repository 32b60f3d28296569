with

loads as (
    select * from {{ ref('stg_loads') }}
),

counts as (
    {%- for entity, table in shop_entities().items() %}
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
        sum(records) filter (where term = 'superseded') as superseded,
        sum(records) filter (where term = 'filtered') as filtered,
        sum(records) filter (
            where term in ('cancelled', 'cancels_nothing')
        ) as cancelled,
        sum(records) filter (where term = 'cancels_nothing') as cancels_nothing
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
        {{ of_loaded('received') }} as received,
        {{ of_loaded('accepted') }} as accepted,
        {{ of_loaded('quarantined') }} as quarantined,
        {{ of_loaded('deduplicated') }}
        + loads.deduplicated as deduplicated,
        {{ of_loaded('superseded') }} as superseded,
        {{ of_loaded('filtered') }} + loads.filtered as filtered,
        {{ of_loaded('cancelled') }} as cancelled,
        loads.deduplicated as deduplicated_at_load,
        loads.filtered as filtered_at_load,
        {{ of_loaded('cancels_nothing') }} as cancels_nothing,
        loads.redelivered,
        loads.status,
        loads.sha256,
        loads.bytes,
        loads.error
    from loads
    left join totals
        on
            loads.entity = totals.entity
            and loads.batch_id = totals._batch_id
)

select * from final
