"""Where daphne enters: pages and API over HTTP, chat over websockets."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
django_application = get_asgi_application()

# Consumers import models, so they come after Django is set up.
from nitro.routing import build  # noqa: E402

application = build(django_application)
