"""A tab of a simulated person's browser: a socket on which a refusal ends the wait, too."""

from __future__ import annotations

from benchmarks.wire import Turn, Wire

REFUSED = b'"type":"error"'


class Tab(Wire):
    """One open tab."""

    def _keep(self, payload: bytes) -> None:
        super()._keep(payload)
        turn = self.turn
        if turn is not None and not turn.ended.done() and REFUSED in payload[:20] and b'"turn"' not in payload:
            turn.ended.set_result(None)

    @property
    def is_open(self) -> bool:
        return not self.transport.is_closing()

    def close(self) -> None:
        """Say goodbye, where there is still somebody to hear it."""
        self.turn = None
        if self.is_open:
            super().close()

    def stop(self, turn: str) -> None:
        """Press the button."""
        self.send({"type": "stop", "turn": turn})

    def attach(self, turn: str, after: int) -> Turn:
        """Hear a turn from there on."""
        return self.tell({"type": "attach", "turn": turn, "after": after})
