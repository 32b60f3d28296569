with

declared as (
    select * from {{ source('raw', '_shop') }}
),

pivoted as (
    select
        {%- for key in [
            'name', 'title', 'as_of', 'rating_min', 'rating_max',
            'relevant_rating', 'repeat_purchases', 'currency', 'opened_at',
            'closed_at', 'unknown_references',
        ] %}
        max(case when entity = '' and key = '{{ key }}' then value end)
            as {{ key }},
        {%- endfor %}
        {%- for entity in ['users', 'products'] %}
        coalesce(max(
            case when entity = '{{ entity }}' and key = 'declared' then value end
        ) = 'true', false) as has_{{ entity }}{{ "," if not loop.last }}
        {%- endfor %}
    from declared
),

final as (
    select
        name,
        title,
        {{ parse_time('as_of') }} as declared_as_of,
        cast(coalesce(rating_min, '1') as double) as rating_min,
        cast(coalesce(rating_max, '5') as double) as rating_max,
        cast(relevant_rating as double) as relevant_rating,
        coalesce(repeat_purchases = 'true', false) as repeat_purchases,
        currency,
        {{ parse_time('opened_at') }} as opened_at,
        {{ parse_time('closed_at') }} as closed_at,
        has_users and coalesce(unknown_references, '') <> 'keep'
            as checks_users,
        has_products and coalesce(unknown_references, '') <> 'keep'
            as checks_products
    from pivoted
)

select * from final
