with

shop as (
    select * from {{ ref('dim_shop') }}
),

products as (
    select * from {{ ref('dim_products') }}
),

history as (
    {{ feature_history(
        daily=ref('int_products__daily'),
        anchors=ref('int_products__anchor_days'),
        keys=['product_id'],
        windowed={'views': [7, 30], 'carts': [7, 30], 'purchases': [7, 30]},
        lifetime=['ratings', 'ratings_sum'],
        until='select ' ~ day_number('as_of') ~ ' from shop',
    ) | indent(4) }}
),

dated as (
    select
        *,
        {{ midnight('day_number') }} as event_timestamp
    from history
),

final as (
    select
        dated.product_id,
        dated.event_timestamp,
        dated.event_timestamp as created_at,
        {%- for count in ['views', 'carts', 'purchases'] %}
        {%- for window in [7, 30] %}
        cast(dated.{{ count }}_{{ window }}d as bigint)
            as product_{{ count }}_{{ window }}d,
        {%- endfor %}
        {%- endfor %}
        cast(dated.ratings as bigint) as product_ratings_count,
        cast(dated.ratings_sum as decimal(18, 4)) as product_ratings_sum,
        products.category as product_category,
        products.price as product_price,
        products.price_percentile as product_price_percentile,
        case
            when products.first_seen_at < dated.event_timestamp
                then products.first_seen_at
        end as product_first_seen_at
    from dated
    inner join products on dated.product_id = products.product_id
)

select * from final
