{{ set_aside(
    'products',
    key=['product_id'],
    content=[
        'title', 'category', 'brand', 'price', 'currency', 'in_stock',
        'updated_at',
    ],
) }}
