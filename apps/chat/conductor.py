"""Conducts one turn from its saved beginning to its saved end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from apps.chat import markdown, meters, prompts, services
from apps.chat.completions.ledger import ledger
from apps.chat.measured import Measured
from apps.chat.models import Turn
from apps.chat.preparation import Preparation
from apps.chat.replies import Use
from apps.chat.running import LiveTurn, RunningTurns
from apps.chat.selectors import Line
from apps.chat.sources import Source
from apps.chat.turnlog import Status
from apps.core import spans
from apps.core.database import in_database
from apps.core.errors import DatabaseAway, NitroError
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
from apps.llm.messages import Call, Image, Options
from apps.llm.router import Target

logger = logging.getLogger(__name__)

QUICK_FRAMES = 6  # the first deltas of an answer go out at once …
QUICK_SECONDS = 0.03
CALM_SECONDS = 0.12  # … later ones are gathered: faster than this nobody reads
SECONDS_PER_TURN = 0.003  # and longer, the more turns share the processor
SLOWEST_SECONDS = 0.35  # R2: at most half a second of words may be lost with the process
ANSWER_LIMIT = 1_000_000  # characters
REASONING_LIMIT = 1_000_000

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
    pictures: Mapping[UUID, Image] = field(default_factory=dict)
    cache: Use = Use.NONE
    preparation: Preparation | None = None


class Conductor:
    """Runs the model, gathers its words into deltas, and writes the end."""

    def __init__(self, running: RunningTurns, live: LiveTurn, job: Job) -> None:
        self.running = running
        self.live = live
        self.job = job
        self.measured = Measured(job.began, Chosen(job.target.provider, job.target.model))
        self.measured.asked = sum(len(line.text) for line in job.history)
        self._thoughts: list[str] = []
        self._pending: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._next_flush = 0.0
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """The whole turn, as one span of a trace."""
        with spans.current("turn", nitro__turn=str(self.live.turn_id)) as span:
            reason = await self._run()
            chosen = self.measured.chosen
            span.set(nitro__end=reason, nitro__provider=chosen.provider, nitro__cached=self.measured.cached)

    async def _run(self) -> str:
        """Whatever happens in it, it ends, and its end is saved. Returns how."""
        reason, problem = await self._answer()
        self._say_rest()
        self._flush()
        self.measured.total = self.measured.now()
        self.measured.count(self.live.log.text, said=self.live.log.length, window=self.job.target.context_window)
        await self._charge(reason)
        await self._save(reason, problem)
        await self._keep_preparation()
        done = self.measured.done(reason)
        self.live.log.finish(done, _error_fields(problem))
        meters.turn_ended(done)
        self.running.touch(self.live)
        self.running.forget_later(self.live)
        return reason

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
        except NitroError as error:
            return "failed", error
        except Exception:  # a defect of ours must not leave a turn that never ends
            logger.exception("A turn failed by a defect of Nitro itself")
            return "failed", NitroError("Something in Nitro itself went wrong.", code="internal", hint="Try again.")
        return self.live.stopping or self._reason, None

    async def _produce(self) -> None:
        self._reason = "stop"
        await self._prepare()
        live, job = self.live, self.job
        source = Source(live.user_id, live.turn_id, job.target, self._call(), job.cache, ANSWER_LIMIT)
        told = await source.tell(self.running.flights, self._take)
        self.measured.cached, self.measured.free = told.cached, told.free

    async def _prepare(self) -> None:
        """Let a search, or whatever else comes before the model, put the question in other words."""
        if self.job.preparation is None or not self.job.history:
            return
        *earlier, asked = self.job.history
        question = await self.job.preparation.question(self.job.target.context_window, self._status)
        self.job = replace(self.job, history=[*earlier, replace(asked, text=question)])

    async def _keep_preparation(self) -> None:
        if self.job.preparation is not None:
            await self.job.preparation.keep()

    def _call(self) -> Call:
        job = self.job
        prompt, call = prompts.call_build(
            job.history,
            target=job.target,
            options=job.options,
            system_prompt=job.system_prompt,
            prefill=job.prefill,
            pictures=job.pictures,
        )
        self.measured.dropped = prompt.dropped
        self.measured.prompt_tokens = prompt.tokens
        return call

    def _take(self, event: RouterEvent) -> None:
        match event:
            case TextDelta(text):
                self._say(text if self.job.preparation is None else self.job.preparation.shown(text))
            case ReasoningDelta(text):
                self._think(text)
            case Progress(state, position):
                self._status(Status(state, position))
            case Chosen():
                self.measured.chosen = event
            case Usage():
                self.measured.counted = event
            case Finished(reason):
                self._reason = reason
            case ToolCall():
                self.measured.tool_calls.append(event)

    def _status(self, status: Status) -> None:
        if status.state == "reading" and status.total is None and self.measured.queued is None:
            self.measured.queued = self.measured.now()
        self.live.log.set_status(status)
        self.running.touch(self.live)

    # --- words ---

    def _say_rest(self) -> None:
        """What a preparation has kept back to the end."""
        if self.job.preparation is not None:
            self._say(self.job.preparation.rest())

    def _say(self, text: str) -> None:
        if not text:
            return
        if self.measured.first_token is None:
            self.measured.first_token = self.measured.now()
        self._pending.append(text)
        self._gather()

    def _think(self, text: str) -> None:
        if self.live.log.thought + len(text) > REASONING_LIMIT:
            return
        self._thoughts.append(text)
        self._gather()

    def _gather(self) -> None:
        """Let what was just said go out now, or a little later together with what comes until then."""
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
        if not self._pending and not self._thoughts:
            return
        if self._thoughts:
            self.live.log.think("".join(self._thoughts))
            self._thoughts.clear()
        if self._pending:
            self.live.log.append("".join(self._pending))
            self._pending.clear()
        self._next_flush = self._loop.time() + self._pace()
        self.running.touch(self.live)

    def _pace(self) -> float:
        """Seconds to gather words for the next delta."""
        calm = QUICK_SECONDS if len(self.live.log.texts) < QUICK_FRAMES else CALM_SECONDS
        return min(SLOWEST_SECONDS, max(calm, SECONDS_PER_TURN * self.running.busy))

    # --- the end ---

    async def _charge(self, reason: str) -> None:
        """Put the answer on its user's day, before its end says that it is no longer being written: in between, nobody
        would count it. No tokens where no model wrote for this turn, nothing for no word."""
        if reason == "failed" and not self.live.log.length:
            return
        used = {} if self.measured.free else self.measured.usage()
        await ledger().charge(self.live.user_id, Usage(used.get("prompt_tokens", 0), used.get("completion_tokens", 0)))

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
            reasoning=log.reasoning,
            tool_calls=self.measured.calls(),
            marks=log.marks,
            columns=self.measured.columns(problem),
        )


def _error_fields(problem: NitroError | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    fields: dict[str, Any] = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    if problem.retry_after is not None:
        fields["retry_after"] = problem.retry_after
    return fields
