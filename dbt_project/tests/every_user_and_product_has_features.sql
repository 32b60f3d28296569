-- New users and products too: they have a row as soon as they are known.
select dim_users.user_id as entity_id
from {{ ref('dim_users') }} as dim_users
left join {{ ref('ftr_users') }} as ftr_users
    on dim_users.user_id = ftr_users.user_id
where ftr_users.user_id is null
union all
select dim_products.product_id as entity_id
from {{ ref('dim_products') }} as dim_products
left join {{ ref('ftr_products') }} as ftr_products
    on dim_products.product_id = ftr_products.product_id
where ftr_products.product_id is null
