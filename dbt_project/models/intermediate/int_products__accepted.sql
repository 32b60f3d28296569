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
        staged.title,
        coalesce(nullif(trim(staged.category), ''), 'unknown') as category,
        staged.brand,
        staged.price,
        staged.currency,
        staged.in_stock,
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
