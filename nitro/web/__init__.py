"""The web process: daphne with a guarded door, back-pressure and a way to stop without dropping anybody."""
