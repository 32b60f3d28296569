with

rules as (
    select * from {{ ref('stg_rules') }}
),

set_aside as (
    {%- for entity in shop_entities() %}
    select
        '{{ entity }}' as entity,
        outcome,
        reject_reasons,
        count(*) as records
    from {{ ref('int_' ~ entity ~ '__set_aside') }}
    group by outcome, reject_reasons
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

of_set_aside as (
    select
        rules.rule_id,
        sum(set_aside.records) as failed
    from rules
    inner join set_aside
        on
            rules.entity = set_aside.entity
            and rules.outcome = set_aside.outcome
            and (
                rules.outcome in ('deduplicated', 'superseded')
                or concat(',', set_aside.reject_reasons, ',')
                like concat('%,', rules.code, ',%')
            )
    group by rules.rule_id
),

of_flags as (
    select
        rules.rule_id,
        count(*) as failed
    from rules
    inner join {{ ref('dq_flags') }} as flags
        on rules.entity = flags.entity and rules.code = flags.code
    group by rules.rule_id
),

{% for entity in shop_entities() -%}
kept_{{ entity }} as (
    {{ kept_failures(entity) | indent(4) }}
),

{% endfor -%}
final as (
    select * from of_set_aside
    union all
    select * from of_flags
    {%- for entity in shop_entities() %}
    {%- for rule in kept_rules(entity) %}
    union all
    select
        '{{ rule.rule_id }}' as rule_id,
        failed_{{ rule.place }} as failed
    from kept_{{ entity }}
    {%- endfor %}
    {%- endfor %}
)

select * from final
