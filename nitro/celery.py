"""The Celery application: what is sent to the worker, and what the worker does by the clock."""

import os

from celery import Celery
from celery.schedules import crontab

from nitro.framework import CELERY_BEAT_SCHEDULE, NIGHTLY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")


def make() -> Celery:
    """An application of its own over the same settings and tasks: a consumer of the worker selects its queue there."""
    made = Celery("nitro", set_as_current=False)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    nightly = {
        name: {"task": task, "schedule": crontab(hour=str(hour), minute=str(minute))}
        for name, (task, hour, minute) in NIGHTLY.items()
    }
    made.conf.beat_schedule = {**CELERY_BEAT_SCHEDULE, **nightly}
    made.autodiscover_tasks()
    return made


app = make()
app.set_default()
app.set_current()
