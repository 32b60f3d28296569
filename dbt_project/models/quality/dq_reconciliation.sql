{%- set accepted = {
    'users': 'int_users__accepted',
    'products': 'int_products__accepted',
    'ratings': 'fct_ratings',
    'transactions': 'fct_transactions',
    'events': 'fct_events',
} -%}

with

loads as (
    select * from {{ ref('stg_loads') }} where status = 'loaded'
),
{% for entity, mart in accepted.items() %}
{{ entity }}_counts as (
    select
        _batch_id,
        'received' as term,
        count(*) as records
    from {{ ref('stg_' ~ entity) }}
    group by _batch_id
    union all
    select
        _batch_id,
        'accepted' as term,
        count(*) as records
    from {{ ref(mart) }}
    group by _batch_id
    union all
    select
        _batch_id,
        'quarantined' as term,
        count(*) as records
    from {{ ref('quarantine_' ~ entity) }}
    group by _batch_id
    union all
    select
        _batch_id,
        outcome as term,
        count(*) as records
    from {{ ref('int_' ~ entity ~ '__set_aside') }}
    where outcome <> 'quarantined'
    group by _batch_id, outcome
),
{% endfor %}
counts as (
    {%- for entity in accepted %}
    select
        *,
        '{{ entity }}' as entity
    from {{ entity }}_counts
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
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
        {%- for term in [
            'received', 'accepted', 'quarantined', 'deduplicated', 'superseded',
        ] %}
        cast(
            coalesce(
                sum(counts.records) filter (where counts.term = '{{ term }}'), 0
            ) as bigint
        ) as {{ term }}{{ "," if not loop.last }}
        {%- endfor %}
    from loads
    left join counts
        on
            loads.entity = counts.entity
            and loads.batch_id = counts._batch_id
    group by all
)

select * from final
