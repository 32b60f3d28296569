with

listed as (
    select
        staged.product_id,
        min(staged.updated_at) as first_listed_at
    from {{ ref('stg_products') }} as staged
    {%- if givers_of('products') %}
    left join {{ ref('int_products__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
            and set_aside.outcome = 'filtered'
    {%- endif %}
    where
        staged.reject_reasons is null
        {{ 'and set_aside._record is null' if givers_of('products') }}
    group by staged.product_id
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
