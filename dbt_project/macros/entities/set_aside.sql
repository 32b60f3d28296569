{#-
    The rows of a staged entity that are not accepted, and why. Together with the
    accepted rows they are all rows that were received.

    quarantined   is in quarantine_<entity>: breaks a rule, or has an id that is on no list
    deduplicated  the same record again: a later one has equal key and content
    superseded    an older version of a key that a later record replaced

    Later is by order of arrival (_batch_id, _record). Quarantined rows neither
    replace nor are replaced. Only keys whose hash occurs twice are compared, so
    that ten million clean rows cost eight bytes each and not a sort.
-#}
{% macro set_aside(entity) -%}
{%- set staged = ref('stg_' ~ entity) -%}
{%- set key = entity_key(entity) -%}
{%- set qualified_key = [] -%}
{%- for column in key -%}{%- do qualified_key.append('staged.' ~ column) -%}{%- endfor -%}
{%- set compared = entity_columns(entity) | selectattr('identifies') | map(attribute='name') -%}
with

quarantined as (
    select
        _batch_id,
        _record,
        reject_reasons
    from {{ ref('quarantine_' ~ entity) }}
),

repeated as (
    select {{ key_hash(key) }} as key_hash
    from {{ staged }}
    group by 1
    having count(*) > 1
),

contested as (
    select staged.*
    from {{ staged }} as staged
    left join quarantined
        on
            staged._batch_id = quarantined._batch_id
            and staged._record = quarantined._record
    where
        {{ key_hash(qualified_key) }} in (select key_hash from repeated)
        and quarantined._record is null
),

ranked as (
    select
        _batch_id,
        _record,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by _batch_id desc, _record desc
        ) as version,
        row_number() over (
            partition by {{ compared | join(', ') }}
            order by _batch_id desc, _record desc
        ) as copy
    from contested
),

final as (
    select
        _batch_id,
        _record,
        'quarantined' as outcome,
        reject_reasons
    from quarantined
    {%- for rule in rules_of(entity) if rule.outcome in ['deduplicated', 'superseded'] %}
    union all
    select
        ranked._batch_id,
        ranked._record,
        '{{ rule.outcome }}' as outcome,
        null as reject_reasons
    from ranked
    where {{ condition_of(rule) }}
    {%- endfor %}
)

select * from final
{%- endmacro %}
