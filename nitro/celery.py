"""The Celery application: what is sent to the worker, and what the worker does by the clock."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")


def make() -> Celery:
    """An application of its own over the same settings and tasks: a consumer of the worker selects its queue there."""
    made = Celery("nitro", set_as_current=False)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    made.autodiscover_tasks()
    return made


app = make()
app.set_default()
app.set_current()
