"""Who may do what at the pages of the admin that are Nitro's own: administrators, and nobody else."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.core.models import BulkJob
from tests.access.table import SIGN_IN, Row


def administrators(route: str, status: int, method: str = "get", **more: Any) -> Row:
    """A page of the admin: everybody else is sent to sign in, as somebody else."""
    statuses = (SIGN_IN, SIGN_IN, SIGN_IN, status, SIGN_IN, SIGN_IN)
    return Row(f"admin:office-{route}", method, statuses, **more)


WHY = {"reason": "Alice asked me to look at this."}

ROWS: tuple[Row, ...] = (
    administrators("sessions", 200),
    administrators("session-close", 302, "post", form={"holder": "1-a", "socket": "b"}),
    administrators("providers", 200),
    administrators("provider-drain", 302, "post", form={"kind": "nobody"}),
    administrators("provider-undrain", 302, "post", form={"kind": "nobody"}),
    administrators("cache", 200),
    administrators("cache-clear", 302, "post", form={"user": "x"}),
    administrators("chats-let-go", 200),
    administrators("chats-let-go", 200, "post"),
    administrators("bulk-progress", 200, names={"job_id": "bulk_id"}),
    administrators("bulk-cancel", 302, "post", names={"job_id": "bulk_id"}),
    administrators("bulk-file", 404, names={"job_id": "bulk_id"}),
    *(
        row
        for kind, name in (
            ("chat-conversation", "conversation_id"),
            ("images-imagejob", "job_id"),
            ("voice-recording", "recording_id"),
            ("search-search", "search_id"),
        )
        for row in (
            administrators(f"{kind}-contents", 200, names={"object_id": name}),
            administrators(f"{kind}-contents", 302, "post", names={"object_id": name}, form=WHY),
        )
    ),
)


def things(alice: User) -> dict[str, Any]:
    """A bulk action of some administrator."""
    return {"bulk_id": BulkJob.objects.create(kind="chats_delete", label="Delete", actor="somebody", total=1).pk}


def kept() -> list[Any]:
    """The rows of Alice, to see whether somebody has changed them."""
    return []
