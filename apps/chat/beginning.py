"""The beginning of a turn: its rows, and everything that its model will need, in one trip to the database.

A question whose answer is remembered is saved together with it: then nothing has to run at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts import hooks
from apps.chat import recalling, replies, searching, services
from apps.chat.admission import Admission
from apps.chat.frames import Ask, Continue, Edit, Retry
from apps.chat.models import Turn
from apps.chat.needs import Needs, Starter, needs_read
from apps.chat.replies import Use
from apps.chat.services import Begun, Outcome, Request


@dataclass(frozen=True, slots=True)
class Beginning:
    """A turn as it was saved; `needs` is None where this process has nothing to run for it."""

    begun: Begun
    needs: Needs | None = None
    use: Use = Use.NONE
    searches: bool = False
    fresh: bool = False  # what is kept shall not be looked at


@dataclass(slots=True)
class Opening:
    """One question before it is saved. `began` is `time.perf_counter()` at the client's request."""

    request: Request
    frame: Starter
    began: float
    needs: Needs | None = None

    def save(self) -> Begun:
        request, frame = self.request, self.frame
        match frame:
            case Ask():
                recall = self.recall if self._may_recall(frame) else services.nothing_recalled
                return services.turn_ask(
                    request=request, text=frame.text, attachment_ids=frame.attachments, recall=recall
                )
            case Edit():
                return services.turn_edit(request=request, message_id=frame.message, text=frame.text)
            case Retry():
                return services.turn_retry(request=request, message_id=frame.message)
            case Continue():
                return services.turn_continue(request=request, turn_id=frame.turn)

    def _may_recall(self, frame: Ask) -> bool:
        """What is searched for first is known only once that is done."""
        return not frame.search and replies.use_of(kind=Turn.Kind.ASK, wanted=frame.cache) is Use.FULL

    def recall(self, begun: Begun) -> Outcome | None:
        """The end of what is about to be saved, where its answer is remembered."""
        self.needs = needs = needs_read(begun, self.frame)
        return recalling.outcome(
            needs, user_id=self.request.user_id, system_prompt=begun.system_prompt, began=self.began
        )


def begin(request: Request, frame: Starter, admission: Admission, began: float) -> Beginning:
    """Save the beginning and read what the model will need; raises as `turns.start` does."""
    admission.count()
    hooks.look()
    opening = Opening(request, frame, began)
    begun = opening.save()
    if begun.outcome is not None or not is_ours(begun.turn, request):
        return Beginning(begun)
    wanted = not isinstance(frame, Ask) or frame.cache
    return Beginning(
        begun,
        opening.needs if begun.created and opening.needs else needs_read(begun, frame),
        replies.use_of(kind=begun.turn.kind, wanted=wanted),
        searching.is_wished(user_id=request.user_id, frame=frame),
        fresh=not wanted,
    )


def is_ours(turn: Turn, request: Request) -> bool:
    """Whether this process shall run the turn: it began it, be it at a try whose confirmation was lost."""
    return turn.owner == request.owner and turn.state == Turn.State.RUNNING
