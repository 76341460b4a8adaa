"""Programs that measure Nitro, and the stand-in servers that they and the tests talk to."""
