{{ set_aside(
    'events',
    key=['event_id'],
    content=[
        'event_type', 'user_id', 'session_id', 'product_id', 'occurred_at',
    ],
) }}
