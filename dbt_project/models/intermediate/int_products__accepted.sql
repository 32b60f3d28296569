with

listed as (
    select
        product_id,
        min(updated_at) as first_listed_at
    from {{ ref('stg_products') }}
    where reject_reasons is null
    group by product_id
),

final as (
    select
        staged.product_id,
        {{ accepted_value('products', 'title') }} as title,
        trim({{ accepted_value('products', 'category') }}) as category,
        {{ accepted_value('products', 'brand') }} as brand,
        {{ accepted_value('products', 'price') }} as price,
        {{ accepted_value('products', 'currency') }} as currency,
        {{ accepted_value('products', 'in_stock') }} as in_stock,
        staged.updated_at,
        listed.first_listed_at,
        staged._batch_id
    from {{ ref('stg_products') }} as staged
    left join listed on staged.product_id = listed.product_id
    left join {{ ref('int_products__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
    where set_aside._record is null
)

select * from final
