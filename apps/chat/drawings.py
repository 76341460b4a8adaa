"""Pictures inside of a chat: a question that orders one, and an answer that shows the job. No model is asked."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.chat import markdown, services
from apps.chat.models import Turn
from apps.chat.services import Begun, Outcome, Request
from apps.core import news
from apps.core.errors import Invalid, NitroError
from apps.images import registry
from apps.images import services as images
from apps.images.orders import Order

PROVIDER = "images"  # the turns whose answer is a job: templates show its card there
COMMAND = "/image"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed: `/image` and what the picture shall show."""

    text: str

    @property
    def prompt(self) -> str:
        """The description. Raises `Invalid` where there is none."""
        prompt = self.text.strip().removeprefix(COMMAND).strip()
        if not prompt:
            raise Invalid(f"Say what the picture shall show: {COMMAND} a lighthouse at dusk.", code="empty_prompt")
        return prompt


def drawing_begin(*, user: User, conversation_id: UUID, request_id: UUID, wish: Wish) -> Begun:
    """Save the question and its answer, and order the picture. The same `request_id` orders nothing twice.

    Raises `NotFound`, and `Invalid` for what the engine cannot draw, before anything is saved.
    """
    engine = registry.engine()
    width, height = engine.limits.standard
    order = Order(wish.prompt, width=width, height=height).checked(engine.limits)
    request = Request(user.pk, conversation_id, request_id, owner=PROVIDER)
    begun = services.turn_ask(request=request, text=wish.text.strip())
    if not begun.created:
        return begun
    try:
        images.job_create(user=user, order=order, attached_to=begun.turn.answer_id)
        outcome = _outcome(order, engine.kind)
    except NitroError as error:
        outcome = _failure(error)
    services.turn_finish(turn_id=begun.turn.id, owner=PROVIDER, outcome=outcome)
    news.tell({"kind": "turn", "conversation": str(conversation_id), "turn": str(begun.turn.id)})
    return begun


def _outcome(order: Order, kind: str) -> Outcome:
    text = f"Here is a picture of: {order.prompt}"
    html = markdown.render(text)
    columns = {"provider": PROVIDER, "model": kind}
    return Outcome(Turn.State.DONE, "stop", text, html, markdown.VERSION, columns=columns)


def _failure(error: NitroError) -> Outcome:
    columns = {
        "provider": PROVIDER,
        "error_code": error.code,
        "error_message": error.message,
        "error_hint": error.hint,
    }
    return Outcome(Turn.State.FAILED, "failed", "", columns=columns)
