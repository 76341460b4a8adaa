"""Addresses of the chat: its pages, their fragments and its API."""

from __future__ import annotations

from django.urls import path

from apps.chat import drawing_views, list_views, settings_views, views
from apps.chat.api.asking import Batch, Chat
from apps.chat.api.attachments import AttachmentFile, Attachments, AttachmentThumbnail, OneAttachment
from apps.chat.api.conversations import Conversations, OneConversation
from apps.chat.api.messages import Messages
from apps.chat.api.openai import ChatCompletions, Embeddings, Models, OneModel
from apps.chat.api.transfer import Export, Import
from apps.chat.api.usage import Usage

app_name = "chat"

urlpatterns = [
    path("", views.new_chat, name="new"),
    path("c/list/", views.conversation_list, name="list"),
    path("c/search/", list_views.search, name="search"),
    path("c/models/", settings_views.models, name="models"),
    path("c/model/", settings_views.model_choose, name="model-new"),
    path("c/settings/", settings_views.settings, name="settings-new"),
    path("c/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("c/<uuid:conversation_id>/model/", settings_views.model_choose, name="model"),
    path("c/<uuid:conversation_id>/settings/", settings_views.settings, name="settings"),
    path("c/<uuid:conversation_id>/draw/", drawing_views.draw, name="draw"),
    path("c/<uuid:conversation_id>/pin/", list_views.pin, name="pin"),
    path("c/<uuid:conversation_id>/rename/", views.conversation_rename, name="rename"),
    path("c/<uuid:conversation_id>/delete/", views.conversation_delete, name="delete"),
    path("c/<uuid:conversation_id>/restore/", views.conversation_restore, name="restore"),
    path("c/<uuid:conversation_id>/version/", views.version_select, name="version"),
    path("c/<uuid:conversation_id>/m/<uuid:message_id>/", views.message, name="message"),
    path("c/<uuid:conversation_id>/m/<uuid:message_id>/text/", views.message_text, name="message-text"),
    path("offline/", views.offline, name="offline"),
    path("v1/chat/completions", ChatCompletions.as_view(), name="v1-completions"),
    path("v1/embeddings", Embeddings.as_view(), name="v1-embeddings"),
    path("v1/models", Models.as_view(), name="v1-models"),
    path("v1/models/<path:model>", OneModel.as_view(), name="v1-model"),
    path("api/chat/", Chat.as_view(), name="api-chat"),
    path("api/chat/batch/", Batch.as_view(), name="api-batch"),
    path("api/attachments/", Attachments.as_view(), name="api-attachments"),
    path("api/attachments/<uuid:attachment_id>/", OneAttachment.as_view(), name="api-attachment"),
    path("api/attachments/<uuid:attachment_id>/file/", AttachmentFile.as_view(), name="api-attachment-file"),
    path(
        "api/attachments/<uuid:attachment_id>/thumbnail/",
        AttachmentThumbnail.as_view(),
        name="api-attachment-thumbnail",
    ),
    path("api/conversations/", Conversations.as_view(), name="api-conversations"),
    path("api/conversations/import/", Import.as_view(), name="api-import"),
    path("api/conversations/<uuid:conversation_id>/", OneConversation.as_view(), name="api-conversation"),
    path("api/conversations/<uuid:conversation_id>/messages/", Messages.as_view(), name="api-messages"),
    path("api/conversations/<uuid:conversation_id>/export/", Export.as_view(), name="api-export"),
    path("api/usage/", Usage.as_view(), name="api-usage"),
]
