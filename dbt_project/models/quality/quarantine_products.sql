{{ quarantine('products') }}
