"""Why an embedded service cannot run."""


class ServiceError(Exception):
    """An embedded service cannot run; the text says why and what to do about it."""
