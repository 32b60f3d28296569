with

shop as (
    select
        declared_as_of,
        judged_at
    from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'transactions') }}
),

typed as (
    {{ typed_order_lines() }}
),

final as (
    select
        staged.*,
        {{ reject_reasons('transactions') }} as reject_reasons
    from typed as staged
    cross join shop
)

select * from final
