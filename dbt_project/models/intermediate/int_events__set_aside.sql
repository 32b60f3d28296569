{{ set_aside('events') }}
