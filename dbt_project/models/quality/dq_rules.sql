with

rules as (
    select * from {{ ref('stg_rules') }}
),

failed as (
    select * from {{ ref('int_rules__failed') }}
),

bounds as (
    select * from {{ ref('int_rules__bounds') }}
),

records as (
    select
        entity,
        sum(received) as received,
        sum(accepted) as accepted
    from {{ ref('dq_reconciliation') }}
    group by entity
),

counted as (
    select
        rules.*,
        bounds.low,
        bounds.high,
        cast(
            coalesce(
                case
                    when
                        rules.outcome in ('flagged', 'filled', 'kept')
                        then records.accepted
                    else records.received
                end, 0
            ) as bigint
        ) as checked,
        cast(coalesce(failed.failed, 0) as bigint) as failed
    from rules
    left join failed on rules.rule_id = failed.rule_id
    left join bounds on rules.rule_id = bounds.rule_id
    left join records on rules.entity = records.entity
),

final as (
    select
        rule_id,
        entity,
        column_name,
        kind,
        outcome,
        code,
        words,
        because,
        low,
        high,
        stop_above,
        checked,
        failed,
        case
            when checked > 0
                then round(cast(failed as double) / checked, 6)
            else 0
        end as share,
        place
    from counted
    where in_use or failed > 0
)

select * from final
