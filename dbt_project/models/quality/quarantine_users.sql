{{ quarantine('users') }}
