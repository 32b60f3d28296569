{{ quarantine('ratings') }}
