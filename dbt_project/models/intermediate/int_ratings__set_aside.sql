{{ set_aside(
    'ratings',
    key=['user_id', 'product_id', 'rated_at'],
    content=['rating'],
) }}
