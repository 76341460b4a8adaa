"""The Celery application: nightly work now, images and long recordings later."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
app = Celery("nitro")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
