-- A category stays in a user's window of 90 days as long as no gap between
-- two active days is longer: it enters after the first, and leaves 91 days
-- after the last day of such a stretch.
with

active_days as (
    select
        user_id,
        day_number,
        lag(day_number) over categories_days as previous_day,
        lead(day_number) over categories_days as next_day
    from {{ ref('int_user_categories__daily') }}
    window categories_days as (
        partition by user_id, category order by day_number
    )
),

changes as (
    select
        user_id,
        day_number + 1 as day_number,
        1 as categories
    from active_days
    where previous_day is null or day_number - previous_day > 90
    union all
    select
        user_id,
        day_number + 91 as day_number,
        -1 as categories
    from active_days
    where next_day is null or next_day - day_number > 90
),

final as (
    select
        user_id,
        day_number,
        sum(categories) as categories
    from changes
    group by user_id, day_number
)

select * from final
