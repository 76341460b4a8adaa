"""One question before the limits of its user and address: the day's allowance counts what is being answered, too."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts import limits
from apps.accounts.throttling import QuestionThrottle
from apps.chat import selectors
from apps.chat.underway import underway_count


@dataclass(slots=True)
class Admission:
    """One question for the limits of its user and address; None where a door has counted it already."""

    user_id: int
    address: str | None
    notice: str = ""

    def count(self) -> None:
        """Count it once, however often its beginning has to be tried; raises what says that it is one too many."""
        if self.address is None:
            return
        question_count(user_id=self.user_id, address=self.address)
        self.address = None
        self.notice = limits.quota_notice(user_id=self.user_id)


def question_count(*, user_id: int, address: str) -> None:
    """Count one question; raises what says that it is one too many."""
    limited = limits.limits_of(user_id=user_id).has_quota
    running = selectors.running_count(user_id=user_id) + underway_count(user_id=user_id) if limited else 0
    limits.question_admit(user_id=user_id, address=address, running=running)


class ChatThrottle(QuestionThrottle):
    """The same for views of REST framework."""

    def count(self, user_id: int, address: str) -> None:
        question_count(user_id=user_id, address=address)
