{{ quarantine(
    'ratings',
    columns=[
        'user_id', 'product_id', 'received_rating',
        'received_rated_at',
    ],
) }}
