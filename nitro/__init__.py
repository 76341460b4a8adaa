"""Wiring only: settings, doors, embedded services and the supervisor. It imports every app; no app imports it."""

__version__ = "0.1.0"
