{{ quarantine(
    'transactions',
    columns=[
        'order_id', 'line_no', 'user_id', 'product_id',
        'received_quantity', 'received_unit_price',
        'received_line_total', 'received_ordered_at',
    ],
    references={'user_id': 'users', 'product_id': 'products'},
) }}
