"""Addresses of speech: pages, fragments and API."""

from __future__ import annotations

from django.urls import path

from apps.voice import api, openai_api, views

app_name = "voice"

urlpatterns = [
    path("voice/", views.page, name="page"),
    path("voice/upload/", views.upload, name="upload"),
    path("voice/taste/", views.taste, name="taste"),
    path("voice/<uuid:recording_id>/", views.recording, name="recording"),
    path("voice/<uuid:recording_id>/audio/", views.recording_audio, name="audio"),
    path("voice/<uuid:recording_id>/keep/", views.recording_keep, name="keep"),
    path("voice/<uuid:recording_id>/delete/", views.recording_delete, name="delete"),
    path("api/voice/speak/", api.Speak.as_view(), name="api-speak"),
    path("api/voice/voices/", api.Voices.as_view(), name="api-voices"),
    path("api/voice/transcribe/", api.Transcribe.as_view(), name="api-transcribe"),
    path("api/voice/recordings/", api.Recordings.as_view(), name="api-recordings"),
    path("api/voice/recordings/<uuid:recording_id>/", api.OneRecording.as_view(), name="api-recording"),
    path("api/voice/recordings/<uuid:recording_id>/cancel/", api.CancelRecording.as_view(), name="api-cancel"),
    path("api/voice/recordings/<uuid:recording_id>/transcript/", api.Transcript.as_view(), name="api-transcript"),
    path("v1/audio/speech", openai_api.Speech.as_view(), name="v1-speech"),
    path("v1/audio/transcriptions", openai_api.Transcriptions.as_view(), name="v1-transcriptions"),
]
