"""The door for pictures in a chat: what the composer sends for `/image`."""

from __future__ import annotations

from uuid import UUID

from django.http import JsonResponse
from django.views.decorators.http import require_POST

from apps.accounts.pages import Visit
from apps.chat import drawings
from apps.core.errors import Invalid, NitroError
from apps.core.failures import Failure


@require_POST
def draw(request: Visit, conversation_id: UUID) -> JsonResponse:
    """Order a picture in a chat: `text` as it was typed, and an `id` of the page's own that makes repeating safe."""
    try:
        begun = drawings.drawing_begin(
            user=request.user,
            conversation_id=conversation_id,
            request_id=_id(request.POST.get("id", "")),
            wish=drawings.Wish(request.POST.get("text", "").replace("\0", "")),
        )
    except NitroError as error:
        failure = Failure.of(error)
        return JsonResponse(failure.body("/api/"), status=failure.status, headers=failure.headers())
    return JsonResponse({"turn": str(begun.turn.id), "title": begun.title}, status=202)


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise Invalid("'id' must be a UUID.") from error
