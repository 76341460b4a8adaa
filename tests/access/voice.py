"""Who may do what at the addresses of speech, and what there is of Alice."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.core import stored
from apps.voice.models import Clip, Preference, Recording, Segment
from tests.access.table import Row, own, personal


def program(route: str, status: int, method: str = "get", *, found: bool = False, **form: str) -> Row:
    """An address for programs; `found`: about something of Alice."""
    others = 404 if found else status
    return Row(route, method, (status, others, 401, others, 401, 403), scope="voice", json=True, form=form)


ROWS: tuple[Row, ...] = (
    personal("voice:page", 200),
    personal("voice:upload", 400, "post"),
    personal("voice:taste", 302, "post", speed="1.5", language="de"),
    own("voice:recording", 200),
    own("voice:audio", 200),
    own("voice:delete", 302, "post"),
    own("voice:keep", 302, "post", kept="1"),
    program("voice:api-speak", 200, "post", text="Hello."),
    program("voice:api-voices", 200),
    program("voice:api-transcribe", 400, "post"),
    program("voice:api-recordings", 200),
    program("voice:api-recordings", 400, "post"),
    program("voice:api-recording", 200, found=True),
    program("voice:api-recording", 204, "delete", found=True),
    program("voice:api-cancel", 200, "post", found=True),
    program("voice:api-transcript", 200, found=True),
    program("voice:v1-speech", 200, "post", input="Hello."),
    program("voice:v1-transcriptions", 400, "post"),
)


def things(alice: User) -> dict[str, Any]:
    """What Alice has here, by the names of the addresses' parameters."""
    name = f"voice/{alice.pk}/canary.wav"
    stored.save(name, b"RIFF canary")
    recording = Recording.objects.create(user=alice, name="canary.wav", file=name, state=Recording.State.RUNNING)
    Segment.objects.create(recording=recording, position=0, start=0, end=1, text="canary words")
    return {"recording_id": recording.pk}


def kept() -> list[Any]:
    """The rows of Alice, to see whether somebody has changed them."""
    return [
        Recording.objects.filter(user__username="alice").values_list("pk", "state", "name", "kept_at"),
        Segment.objects.filter(recording__user__username="alice").values_list("pk", "text"),
        Preference.objects.filter(user__username="alice").values_list("voice", "speed"),
        Clip.objects.filter(user__username="alice").values_list("pk"),
    ]
