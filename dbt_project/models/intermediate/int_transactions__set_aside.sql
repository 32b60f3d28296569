{{ set_aside('transactions') }}
