{{ set_aside('products') }}
