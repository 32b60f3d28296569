{#-
    The rows of a staged entity that are not accepted, and why. Together with the
    accepted rows they are all rows that were received.

    quarantined   is in quarantine_<entity>: breaks a rule, or has an id that is on no list
    deduplicated  the same record again: a later one has equal key and content
    superseded    an older version of a key that a later record replaced
    filtered      an entry of a list that is made from other records, none of which is accepted

    Later is by order of arrival (_batch_id, _record). Quarantined rows neither
    replace nor are replaced. Only keys whose hash occurs twice are compared, so
    that ten million clean rows cost eight bytes each and not a sort.

    An entry of a list that is made from other records lies where the last accepted one
    of them lies. One without any is used only if nothing else is: it never replaces an
    entry that has one.
-#}
{% macro set_aside(entity) -%}
{%- set staged = ref('stg_' ~ entity) -%}
{%- set key = entity_key(entity) -%}
{%- set qualified_key = [] -%}
{%- for column in key -%}{%- do qualified_key.append('staged.' ~ column) -%}{%- endfor -%}
{%- set compared = entity_columns(entity) | selectattr('identifies') | map(attribute='name') -%}
{%- set givers = givers_of(entity) -%}
{%- set apart = [] -%}
{%- if cancellations_of(entity) -%}
    {#- a purchase and its cancellations may share a key; two of these differ in time -#}
    {%- set apart = ['is_cancellation', 'case when is_cancellation then ordered_at end'] -%}
    {%- set compared = compared | list + ['is_cancellation', 'cancelled_order'] -%}
{%- endif -%}
{%- set order = '_batch_id desc, _record desc' -%}
{%- if givers -%}
    {%- set order = 'is_given desc, _batch_id desc, last_record desc' -%}
{%- endif -%}
with

quarantined as (
    select
        _batch_id,
        _record,
        reject_reasons
    from {{ ref('quarantine_' ~ entity) }}
),

{% if givers -%}
{{ given_entries(entity, givers) }},

contested as (
    select
        staged.*,
        coalesce(given.last_record, staged._record) as last_record,
        given._record is null or given.last_record is not null as is_given
    from {{ staged }} as staged
    left join quarantined
        on
            staged._batch_id = quarantined._batch_id
            and staged._record = quarantined._record
    left join given
        on
            staged._batch_id = given._batch_id
            and staged._record = given._record
    where quarantined._record is null
),
{%- else -%}
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
{%- endif %}

ranked as (
    select
        _batch_id,
        _record,
        {%- if givers %}
        is_given,
        {%- endif %}
        row_number() over (
            partition by {{ (key + apart) | join(', ') }}
            order by {{ order }}
        ) as version,
        row_number() over (
            partition by {{ compared | join(', ') }}
            order by {{ order }}
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
    where {{ condition_of(rule) }}{{ ' and ranked.is_given' if givers and rule.outcome == 'superseded' }}
    {%- endfor %}
    {%- if givers %}
    union all
    select
        ranked._batch_id,
        ranked._record,
        'filtered' as outcome,
        null as reject_reasons
    from ranked
    where not ranked.is_given and ranked.copy = 1
    {%- endif %}
)

select * from final
{%- endmacro %}

{#-
    For each entry of a list that is made from other records: the place of the last one
    of these that is accepted; null if none is. Entries of batches that an older RecoMart
    loaded are not among them: nobody wrote down where they come from.

    givers  the entities that have these records, all of the same bytes
-#}
{% macro given_entries(entity, givers) -%}
loads as (
    select
        batch_id,
        entity,
        sha256
    from {{ ref('stg_loads') }}
    where status = 'loaded'
),

given as (
    select
        origins._batch_id,
        origins._record,
        max(accepted._record) as last_record
    from {{ ref('stg_list_origins') }} as origins
    inner join loads on origins._batch_id = loads.batch_id
    left join (
        {%- for giver in givers %}
        select
            loads.sha256,
            staged._record
        from {{ accepted_records(giver) | indent(8) }}
        inner join loads on staged._batch_id = loads.batch_id
        where set_aside._record is null
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as accepted
        on
            loads.sha256 = accepted.sha256
            and origins.origin_record = accepted._record
    where origins.entity = '{{ entity }}'
    group by origins._batch_id, origins._record
)
{%- endmacro %}
