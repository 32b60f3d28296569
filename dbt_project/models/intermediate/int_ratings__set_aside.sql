{{ set_aside('ratings') }}
