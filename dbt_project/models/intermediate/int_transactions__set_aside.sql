{{ set_aside(
    'transactions',
    key=['order_id', 'line_no'],
    content=[
        'user_id', 'product_id', 'quantity', 'unit_price', 'line_total',
        'ordered_at',
    ],
) }}
