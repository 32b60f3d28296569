{{ quarantine(
    'users',
    columns=[
        'user_id', 'received_signed_up_at', 'country',
        'received_birth_year',
    ],
) }}
