"""What is said where a request of OpenAI's form cannot be taken."""

from __future__ import annotations

from apps.core.errors import Invalid


class Unacceptable(Invalid):
    """A field that cannot be taken as it is; `param` names it as OpenAI's errors do."""

    code = "invalid_value"

    def __init__(self, param: str, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.param = param
