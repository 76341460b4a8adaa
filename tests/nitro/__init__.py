"""Settings, embedded services, web process and supervisor."""
