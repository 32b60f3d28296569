{{ quarantine(
    'events',
    columns=[
        'event_id', 'event_type', 'user_id', 'session_id',
        'product_id', 'received_occurred_at', 'received_received_at',
    ],
    references={'user_id': 'users', 'product_id': 'products'},
) }}
