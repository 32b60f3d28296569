{#- Records of an entity by batch and by where they lie, each counted in that very table. -#}
{% macro outcome_counts(entity, accepted) -%}
select
    '{{ entity }}' as entity,
    _batch_id,
    'received' as term,
    count(*) as records
from {{ ref('stg_' ~ entity) }}
group by _batch_id
union all
select
    '{{ entity }}' as entity,
    _batch_id,
    'accepted' as term,
    count(*) as records
from {{ ref(accepted) }}
group by _batch_id
union all
select
    '{{ entity }}' as entity,
    _batch_id,
    'quarantined' as term,
    count(*) as records
from {{ ref('quarantine_' ~ entity) }}
group by _batch_id
union all
select
    '{{ entity }}' as entity,
    _batch_id,
    outcome as term,
    count(*) as records
from {{ ref('int_' ~ entity ~ '__set_aside') }}
where outcome <> 'quarantined'
group by _batch_id, outcome
{%- endmacro %}

{#- A term of the account; null for a batch that loaded nothing. -#}
{% macro of_loaded(term) -%}
    case
        when loads.status = 'loaded'
            then cast(coalesce(totals.{{ term }}, 0) as bigint)
    end
{%- endmacro %}
