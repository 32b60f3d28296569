with

declared as (
    select * from {{ source('raw', '_shop') }}
),

of_shop as (
    select
        key,
        value
    from declared
    where entity = ''
),

pivoted as (
    select
        max(value) filter (where key = 'name') as name,
        max(value) filter (where key = 'title') as title,
        max(value) filter (where key = 'as_of') as as_of,
        max(value) filter (where key = 'rating_min') as rating_min,
        max(value) filter (where key = 'rating_max') as rating_max,
        max(value) filter (where key = 'relevant_rating') as relevant_rating,
        max(value) filter (where key = 'repeat_purchases') as repeat_purchases,
        max(value) filter (where key = 'currency') as currency,
        max(value) filter (where key = 'opened_at') as opened_at,
        max(value) filter (where key = 'closed_at') as closed_at,
        coalesce(
            max(value) filter (where key = 'unknown_references'), 'quarantine'
        ) as unknown_references
    from of_shop
),

lists as (
    select
        count(*) filter (where entity = 'users') > 0 as has_users,
        count(*) filter (where entity = 'products') > 0 as has_products
    from declared
    where key = 'declared' and value = 'true'
),

final as (
    select
        pivoted.name,
        pivoted.title,
        {{ parse_time('pivoted.as_of') }} as declared_as_of,
        cast(coalesce(pivoted.rating_min, '1') as double) as rating_min,
        cast(coalesce(pivoted.rating_max, '5') as double) as rating_max,
        cast(pivoted.relevant_rating as double) as relevant_rating,
        coalesce(pivoted.repeat_purchases = 'true', false) as repeat_purchases,
        pivoted.currency,
        coalesce(
            {{ parse_time('pivoted.opened_at') }}, timestamp '1900-01-01'
        ) as opened_at,
        {{ parse_time('pivoted.closed_at') }} as closed_at,
        lists.has_users and pivoted.unknown_references <> 'keep'
            as checks_users,
        lists.has_products and pivoted.unknown_references <> 'keep'
            as checks_products
    from pivoted
    cross join lists
)

select * from final
