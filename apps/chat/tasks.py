"""What the worker does for the chat, each task a call of one service."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.chat import attachments, cleanup, conversation_services


@shared_task
def purge_deleted_conversations() -> int:
    """Delete for good the chats that were hidden long enough ago; safe to run twice at once."""
    purged = 0
    while count := conversation_services.conversations_purge(now=timezone.now()):
        purged += count
    return purged


@shared_task
def expire_turn_logs() -> int:
    """Let go of the logs that killed processes left in Redis; safe to run twice at once."""
    return cleanup.logs_expire()


@shared_task
def purge_unsent_pictures() -> int:
    """Delete the pictures that nobody sent, and those of accounts that are gone; safe to run twice at once."""
    return attachments.attachments_purge(now=timezone.now()) + attachments.strangers_forget()
