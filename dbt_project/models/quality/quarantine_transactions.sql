{{ quarantine('transactions') }}
