"""Conducts one turn from its saved beginning to its saved end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from apps.chat import markdown, prompts, services
from apps.chat.models import Turn
from apps.chat.running import LiveTurn, RunningTurns
from apps.chat.selectors import Line
from apps.chat.turnlog import Status
from apps.core.database import in_database
from apps.core.errors import DatabaseAway, NitroError
from apps.llm.errors import ProviderError
from apps.llm.events import (
    Chosen,
    Finished,
    Progress,
    ReasoningDelta,
    RouterEvent,
    TextDelta,
    ToolCall,
    Usage,
)
from apps.llm.messages import Call, Options
from apps.llm.router import Target, router

logger = logging.getLogger(__name__)

QUICK_FRAMES = 6  # the first deltas of an answer go out at once …
QUICK_SECONDS = 0.03
CALM_SECONDS = 0.12  # … later ones are gathered: faster than this nobody reads
SECONDS_PER_TURN = 0.003  # and longer, the more turns share the processor
SLOWEST_SECONDS = 0.35  # R2: at most half a second of words may be lost with the process
ANSWER_LIMIT = 1_000_000  # characters
CHARACTERS_PER_TOKEN = 4  # of English; only where the provider does not count

STATES = {
    "stop": Turn.State.DONE,
    "length": Turn.State.DONE,
    "stopped": Turn.State.STOPPED,
    "interrupted": Turn.State.INTERRUPTED,
    "failed": Turn.State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Job:
    """What a turn needs to run: everything that was read when it began."""

    history: Sequence[Line]
    target: Target
    options: Options
    system_prompt: str
    prefill: str
    began: float  # time.perf_counter() at the client's request
    problem: NitroError | None = None  # what was wrong before a model could even be asked


@dataclass(slots=True)
class Measured:
    """What a turn took, in seconds since it was asked for, and who answered."""

    began: float
    queued: float | None = None
    first_token: float | None = None
    total: float | None = None
    usage: Usage | None = None
    chosen: Chosen | None = None
    dropped: int = 0
    reasoning: list[str] = field(default_factory=list)

    def now(self) -> float:
        return time.perf_counter() - self.began


class Conductor:
    """Runs the model, gathers its words into deltas, and writes the end."""

    def __init__(self, running: RunningTurns, live: LiveTurn, job: Job) -> None:
        self.running = running
        self.live = live
        self.job = job
        self.measured = Measured(job.began)
        self._pending: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._next_flush = 0.0
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """The whole turn. Whatever happens in it, it ends, and its end is saved."""
        reason, problem = await self._answer()
        self._flush()
        self.measured.total = self.measured.now()
        await self._save(reason, problem)
        self.live.log.finish(self._done(reason), _error_fields(problem))
        self.running.touch(self.live)
        self.running.forget_later(self.live)

    async def _answer(self) -> tuple[str, NitroError | None]:
        """Let the model write; returns the finish reason, and the error where there was one."""
        if self.job.problem is not None:
            return "failed", self.job.problem
        self.live.producer = asyncio.ensure_future(self._produce())
        if self.live.stopping:
            self.live.producer.cancel()
        try:
            await self.live.producer
        except asyncio.CancelledError:
            return self.live.stopping or "interrupted", None
        except ProviderError as error:
            return "failed", error
        except Exception:  # a defect of ours must not leave a turn that never ends
            logger.exception("A turn failed by a defect of Nitro itself")
            return "failed", NitroError("Something in Nitro itself went wrong.", code="internal", hint="Try again.")
        return self.live.stopping or self._reason, None

    async def _produce(self) -> None:
        self._reason = "stop"
        async with aclosing(router().stream(self.job.target, self._call())) as events:
            async for event in events:
                self._take(event)
                if self.live.log.length > ANSWER_LIMIT:
                    self._reason = "length"
                    return

    def _call(self) -> Call:
        prompt = prompts.build(
            self.job.history,
            system_prompt=self.job.system_prompt,
            context_window=self.job.target.context_window,
            max_tokens=self.job.options.max_tokens,
            prefill=self.job.prefill,
        )
        self.measured.dropped = prompt.dropped
        return Call(self.job.target.model, prompt.messages, self.job.options, prefill=self.job.prefill)

    def _take(self, event: RouterEvent) -> None:
        match event:
            case TextDelta(text):
                self._say(text)
            case ReasoningDelta(text):
                self.measured.reasoning.append(text)
            case Progress(state, position):
                self._status(Status(state, position))
            case Chosen():
                self.measured.chosen = event
            case Usage():
                self.measured.usage = event
            case Finished(reason):
                self._reason = reason
            case ToolCall():
                logger.info("A model called a tool although none was offered")

    def _status(self, status: Status) -> None:
        if status.state == "reading" and self.measured.queued is None:
            self.measured.queued = self.measured.now()
        self.live.log.set_status(status)
        self.running.touch(self.live)

    # --- words ---

    def _say(self, text: str) -> None:
        if self.measured.first_token is None:
            self.measured.first_token = self.measured.now()
        self._pending.append(text)
        if self._timer is None:
            wait = self._next_flush - self._loop.time()
            if wait <= 0:
                self._flush()
            else:
                self._timer = self._loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending.clear()
        self.live.log.append(text)
        self._next_flush = self._loop.time() + self._pace()
        self.running.touch(self.live)

    def _pace(self) -> float:
        """Seconds to gather words for the next delta."""
        calm = QUICK_SECONDS if len(self.live.log.texts) < QUICK_FRAMES else CALM_SECONDS
        return min(SLOWEST_SECONDS, max(calm, SECONDS_PER_TURN * self.running.busy))

    # --- the end ---

    async def _save(self, reason: str, problem: NitroError | None) -> None:
        """Save the end; a database that is away is waited for, since the words are safe in the log meanwhile."""
        outcome = self._outcome(reason, problem)
        pause = 0.1
        while True:
            try:
                await in_database(
                    services.turn_finish, turn_id=self.live.turn_id, owner=self.running.owner, outcome=outcome
                )
            except DatabaseAway:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
            except Exception:  # its readers must hear the end all the same; the lease runs out and repairs the row
                logger.exception("The end of a turn could not be saved")
                return
            else:
                return

    def _outcome(self, reason: str, problem: NitroError | None) -> services.Outcome:
        log = self.live.log
        text = log.text
        return services.Outcome(
            state=STATES[reason],
            finish_reason=reason,
            text=text,
            html=log.rendered() or markdown.render(text),
            html_version=markdown.VERSION,
            reasoning="".join(self.measured.reasoning),
            marks=log.marks,
            columns=self._columns(problem),
        )

    def _columns(self, problem: NitroError | None) -> dict[str, object]:
        chosen, usage = self._chosen(), self._usage()
        columns: dict[str, object] = {
            "provider": chosen.provider,
            "model": chosen.model[:200],
            "fallback_from": chosen.fallback_from[:200],
            **usage,
            **self._timing(),
        }
        if problem is not None:
            columns |= {
                "error_code": problem.code,
                "error_message": problem.message[:2000],
                "error_hint": problem.hint[:2000],
            }
        return columns

    def _chosen(self) -> Chosen:
        return self.measured.chosen or Chosen(self.job.target.provider, self.job.target.model)

    def _usage(self) -> dict[str, int]:
        usage = self.measured.usage
        if usage is not None:
            return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
        asked = sum(len(line.text) for line in self.job.history) // CHARACTERS_PER_TOKEN
        return {"prompt_tokens": asked, "completion_tokens": -(-self.live.log.length // CHARACTERS_PER_TOKEN)}

    def _timing(self) -> dict[str, Any]:
        measured = self.measured
        total = measured.total if measured.total is not None else measured.now()
        writing = total - (measured.first_token if measured.first_token is not None else total)
        tokens = self._usage()["completion_tokens"]
        return {
            "queued_ms": round((measured.queued or 0) * 1000),
            "first_token_ms": None if measured.first_token is None else round(measured.first_token * 1000),
            "total_ms": round(total * 1000),
            "tokens_per_second": round(tokens / writing, 1) if writing > 0.001 and tokens else None,
        }

    def _done(self, reason: str) -> dict[str, Any]:
        chosen = self._chosen()
        done: dict[str, Any] = {
            "finish_reason": reason,
            "usage": self._usage(),
            "timing": self._timing(),
            "cached": False,
            "provider": chosen.provider,
            "model": chosen.model,
        }
        if chosen.fallback_from:
            done["fallback_from"] = chosen.fallback_from
        if self.measured.dropped:
            done["dropped_messages"] = self.measured.dropped
        return done


def _error_fields(problem: NitroError | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    fields: dict[str, Any] = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    if problem.retry_after is not None:
        fields["retry_after"] = problem.retry_after
    return fields
