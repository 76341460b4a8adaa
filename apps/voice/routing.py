"""The address of the voice socket."""

from django.urls import path

from apps.accounts.models import Scope
from apps.voice.consumers import VoiceConsumer

PREFIX = "/ws/voice/"
SCOPE = Scope.VOICE
websocket_urlpatterns = [path("ws/voice/", VoiceConsumer.as_asgi())]
