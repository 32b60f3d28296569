select labels.*
from {{ ref('lbl_interactions') }} as labels
cross join {{ ref('dim_shop') }} as shop
where not labels.label between shop.rating_min and shop.rating_max
