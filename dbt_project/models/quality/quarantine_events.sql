{{ quarantine('events') }}
