-- New users and products too: they have a row as soon as they are known.
select users.user_id as entity_id
from {{ ref('dim_users') }} as users
left join {{ ref('ftr_users') }} as features
    on users.user_id = features.user_id
where features.user_id is null
union all
select products.product_id as entity_id
from {{ ref('dim_products') }} as products
left join {{ ref('ftr_products') }} as features
    on products.product_id = features.product_id
where features.product_id is null
