{{ set_aside('users') }}
