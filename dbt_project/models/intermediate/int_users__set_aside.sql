{{ set_aside(
    'users',
    key=['user_id'],
    content=['signed_up_at', 'country', 'birth_year'],
) }}
