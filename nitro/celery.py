"""The Celery application: what is sent to the worker, and what the worker does by the clock."""

import os
from typing import Any

from celery import Celery, signals
from celery.schedules import crontab

from apps.core import spans, tracing
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


def complete(app: Celery) -> Celery:
    """Let an application know all tasks now.

    It would learn them when it is first used, and a module that one thread imports adds its tasks to the applications
    of all threads, one of which may be going through its own at that moment.
    """
    app.loader.import_default_modules()
    app.finalize()
    return app


@signals.before_task_publish.connect
def name_task(headers: dict[str, Any], **_: object) -> None:
    """A task belongs to the request that sent it."""
    headers["nitro_request"] = tracing.current()


@signals.task_prerun.connect
def go_on_with(task: Any, **_: object) -> None:
    """What the task writes into the log bears the request's name."""
    tracing.go_on(task.request.get("nitro_request") or "")


@signals.task_prerun.connect
def is_begun(task: Any, **_: object) -> None:
    """The beginning of its span in a trace."""
    task.request.span = spans.begin("task", nitro__task=task.name)


@signals.task_postrun.connect
def is_done(task: Any, state: str | None = None, **_: object) -> None:
    """The end of its span in a trace."""
    span = getattr(task.request, "span", None) or spans.Span()
    span.set(nitro__end=(state or "").lower())
    spans.end(span)


app = make()
app.set_default()
app.set_current()
