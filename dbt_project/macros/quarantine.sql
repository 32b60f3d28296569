{#-
    The records of an entity that break a rule, as they were received, with all
    their reasons: those of staging, and names that no list holds.

    entity      staged as stg_<entity>
    columns     of staging, as received
    references  column -> entity whose received ids it must be among, where the
                shop's rule says so. Quarantined ones count as received: a bad
                user does not condemn their ratings
-#}
{% macro quarantine(entity, columns, references={}) -%}
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
        {%- for column in columns %}
        staged.{{ column }} as {{ column | replace('received_', '', 1) }},
        {%- endfor %}
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
        ), '') as reject_reasons,
        staged._batch_id,
        staged._source_file,
        staged._record,
        staged._loaded_at
    from {{ ref('stg_' ~ entity) }} as staged
    {%- for column, reference in checked.items() %}
    left join received_{{ reference.named }}
        on staged.{{ column }} = received_{{ reference.named }}.{{ column }}
    {%- endfor %}
),

final as (
    select * from checked where reject_reasons is not null
)

select * from final
{%- endmacro %}
