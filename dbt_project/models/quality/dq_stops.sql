with

rules as (
    select * from {{ ref('dq_rules') }}
),

stops as (
    select * from {{ ref('stg_stops') }}
),

account as (
    select
        entity,
        sum(received) as received,
        sum(quarantined) as quarantined
    from {{ ref('dq_reconciliation') }}
    group by entity
),

broken_rules as (
    select
        rule_id,
        entity,
        share,
        stop_above,
        words
    from rules
    where failed > stop_above * checked
),

most_frequent as (
    select
        entity,
        max_by(words, failed) as words
    from rules
    where outcome = 'quarantined' and failed > 0
    group by entity
),

broken_entities as (
    select
        account.entity as rule_id,
        account.entity,
        round(
            cast(account.quarantined as double) / account.received, 6
        ) as share,
        stops.stop_above,
        concat(
            account.quarantined, ' of ', account.received, ' records of ',
            account.entity, ' are quarantined; most of them break: ',
            most_frequent.words
        ) as words
    from account
    inner join stops on account.entity = stops.entity
    left join most_frequent on account.entity = most_frequent.entity
    where
        account.quarantined > stops.stop_above * account.received
        and account.quarantined >= stops.stop_from
),

final as (
    select * from broken_entities
    union all
    select * from broken_rules
)

select * from final
