{{ quarantine(
    'ratings',
    columns=[
        'user_id', 'product_id', 'received_rating',
        'received_rated_at',
    ],
    references={'user_id': 'users', 'product_id': 'products'},
) }}
