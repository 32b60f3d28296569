{{ quarantine(
    'products',
    columns=[
        'product_id', 'title', 'category', 'brand', 'received_price',
        'currency', 'received_in_stock', 'received_updated_at',
    ],
) }}
