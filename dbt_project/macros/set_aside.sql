{#-
    The rows of a staged entity that go no further, and why. What comes out of
    here and what the marts accept make up all that was received.

    quarantined   breaks a rule, or names a user or product that was never received
    deduplicated  the same record again: a later one has equal key and content
    superseded    an older version of a key that a later record replaced

    Later is by order of arrival (_batch_id, _record). Quarantined rows neither
    replace nor are replaced. Only keys whose hash occurs twice are compared, so
    that ten million clean rows cost eight bytes each and not a sort.

    entity      staged as stg_<entity>
    key         the columns that identify a record
    content     the other columns that the source sends
    references  column -> entity whose received ids it must be among, where the
                shop's rule says so
-#}
{% macro set_aside(entity, key, content, references={}) -%}
{%- set staged = ref('stg_' ~ entity) -%}
{%- set qualified_key = [] -%}
{%- for column in key -%}{%- do qualified_key.append('staged.' ~ column) -%}{%- endfor -%}
{%- set checked = {} -%}
{%- for column, named in references.items() -%}
    {%- set list = ref('stg_' ~ named) -%}
    {%- set rule = rule_of(entity, column, 'reference') -%}
    {%- if rule and rule.outcome == 'quarantined' -%}
        {%- do checked.update({column: {'list': list, 'named': named, 'code': rule.code}}) -%}
    {%- endif -%}
{%- endfor -%}
with
{% for column, reference in checked.items() %}
received_{{ reference.named }} as (
    select distinct {{ column }} from {{ reference.list }}
),
{% endfor %}
checked as (
    select
        staged._batch_id,
        staged._record,
        nullif(concat_ws(',',
            staged.reject_reasons
            {%- for column, reference in checked.items() %},
            case
                when
                    received_{{ reference.named }}.{{ column }} is null
                    and not {{ is_blank('staged.' ~ column) }}
                    then '{{ reference.code }}'
            end
            {%- endfor %}
        ), '') as reject_reasons
    from {{ staged }} as staged
    {%- for column, reference in checked.items() %}
    left join received_{{ reference.named }}
        on staged.{{ column }} = received_{{ reference.named }}.{{ column }}
    {%- endfor %}
),

quarantined as (
    select * from checked where reject_reasons is not null
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
            partition by {{ (key + content) | join(', ') }}
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
    union all
    select
        _batch_id,
        _record,
        case when copy > 1 then 'deduplicated' else 'superseded' end as outcome,
        null as reject_reasons
    from ranked
    where version > 1
)

select * from final
{%- endmacro %}
