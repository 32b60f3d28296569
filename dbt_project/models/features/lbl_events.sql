with

shop as (
    select * from {{ ref('dim_shop') }}
),

interactions as (
    select * from {{ ref('fct_interactions') }}
    where kind <> 'impression'
),

final as (
    select
        interactions.user_id,
        interactions.product_id,
        interactions.kind,
        interactions.occurred_at,
        cast(
            case interactions.kind
                when 'rating'
                    then
                        case
                            when interactions.rating >= shop.relevant_rating
                                then 1
                            else 0.25
                        end
                {%- for kind, weight in declaration().event_weights.items() %}
                when '{{ kind }}' then {{ weight }}
                {%- endfor %}
            end
            as double
        ) as weight
    from interactions
    cross join shop
)

select * from final
