with

listed as (
    select
        product_id,
        min(updated_at) as first_listed_at
    from {{ given_records('products') }}
    where reject_reasons is null
    group by product_id
),

final as (
    select
        {{ accepted_columns('products', trimmed=['category']) }},
        listed.first_listed_at,
        staged._batch_id
    from {{ accepted_records('products') }}
    left join listed on staged.product_id = listed.product_id
    where set_aside._record is null
)

select * from final
