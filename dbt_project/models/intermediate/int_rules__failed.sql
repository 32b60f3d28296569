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
                rules.kind = 'unique'
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

of_missing as (
    {{ missing_values() | indent(4) }}
),

of_references as (
    {{ unlisted_references() | indent(4) }}
),

final as (
    select * from of_set_aside
    union all
    select * from of_flags
    union all
    select * from of_missing
    union all
    select * from of_references
)

select * from final
