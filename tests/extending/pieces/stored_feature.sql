select
    *,
    round(
        cast(user_views_90d as double) / nullif(user_purchases_90d, 0), 6
    ) as user_views_per_purchase_90d
from final
