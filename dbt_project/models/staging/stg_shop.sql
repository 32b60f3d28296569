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
        max(value) filter (where key = 'judged_at') as judged_at,
        max(value) filter (where key = 'rating_min') as rating_min,
        max(value) filter (where key = 'rating_max') as rating_max,
        max(value) filter (where key = 'relevant_rating') as relevant_rating,
        max(value) filter (where key = 'repeat_purchases') as repeat_purchases,
        max(value) filter (where key = 'currency') as currency
    from of_shop
),

final as (
    select
        pivoted.name,
        pivoted.title,
        {{ parse_time('pivoted.as_of') }} as declared_as_of,
        {{ parse_time('pivoted.judged_at') }} as judged_at,
        cast(coalesce(pivoted.rating_min, '1') as double) as rating_min,
        cast(coalesce(pivoted.rating_max, '5') as double) as rating_max,
        cast(pivoted.relevant_rating as double) as relevant_rating,
        coalesce(pivoted.repeat_purchases = 'true', false) as repeat_purchases,
        pivoted.currency
    from pivoted
)

select * from final
