"""The address of the pictures' socket, and what a key needs there."""

from django.urls import path

from apps.accounts.models import Scope
from apps.images.consumers import ImagesConsumer

PREFIX = "/ws/images/"
SCOPE = Scope.IMAGES
websocket_urlpatterns = [path("ws/images/", ImagesConsumer.as_asgi())]
