"""Starts, follows and stops turns: the door's only way to an answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from apps.accounts import hooks, open_sockets
from apps.accounts.models import User
from apps.chat import beginning, hooking, meters, relays, replay, searching, selectors, services
from apps.chat.admission import Admission
from apps.chat.beginning import Beginning
from apps.chat.completions.ledger import ledger
from apps.chat.conductor import Conductor, Job
from apps.chat.models import Turn
from apps.chat.needs import Needs, Starter
from apps.chat.repair import keep_repairing
from apps.chat.running import LiveTurn, RunningTurns
from apps.chat.services import Request
from apps.chat.turnlog import Item, TurnLog
from apps.core import draining, news, spans
from apps.core.database import in_database
from apps.core.errors import Busy, DatabaseAway
from apps.core.unceasing import unceasing
from apps.llm.events import Usage

T = TypeVar("T")
Listener = Callable[[dict[str, Any]], None]

DATABASE_TRIES = (0.1, 0.3, 0.7, 1.5)  # seconds between the tries of a request while PostgreSQL restarts
FOR_EVERYBODY = frozenset({"pull", "models"})  # kinds of news: a model is being installed, models have changed
ANNOUNCE_SECONDS = 0.02
SAVE_SECONDS = 5.0  # for saving the ends of the turns that a process could not wait for
CANCEL_SECONDS = 0.5
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, RunningTurns] = WeakKeyDictionary()
_listeners: dict[str, set[Listener]] = {}  # by conversation: there may be a thousand open ones in a process


@dataclass(frozen=True, slots=True)
class Started:
    """A turn that is saved and runs, here or elsewhere."""

    request_id: UUID
    turn_id: UUID
    question_id: UUID
    answer_id: UUID
    title: str
    notice: str = ""  # how much of the day's allowance is used, once that is worth knowing


def running_turns() -> RunningTurns:
    """This process's turns; the first call in an event loop begins the keeping."""
    loop = asyncio.get_running_loop()
    running = _by_loop.get(loop)
    if running is None:
        running = _by_loop[loop] = RunningTurns()
        for keeping in (running.keep_writing, running.keep_leases, partial(keep_repairing, running), _listen):
            _keep(running, unceasing(keeping, "The keeping of turns"))
    return running


def _keep(running: RunningTurns, work: Any) -> asyncio.Task[None]:
    task: asyncio.Task[None] = asyncio.ensure_future(work)
    running.tasks.add(task)
    task.add_done_callback(running.tasks.discard)
    return task


# --- news ------------------------------------------------------------------------------------------------------------


def on_news(conversation_id: UUID, listener: Listener) -> None:
    """Be told the news of a conversation, from this and the other processes."""
    _listeners.setdefault(str(conversation_id), set()).add(listener)


def off_news(conversation_id: UUID, listener: Listener) -> None:
    """Be told no more; harmless where nothing was told."""
    listeners = _listeners.get(str(conversation_id), set())
    listeners.discard(listener)
    if not listeners:
        _listeners.pop(str(conversation_id), None)


async def _listen() -> None:
    await news.listen(_hear)


def _hear(item: dict[str, Any]) -> None:
    match item.get("kind"):
        case "stop":
            _stop_here(UUID(item["turn"]))
        case open_sockets.NEWS:
            open_sockets.hear(item)
        case hooks.NEWS:
            hooks.forget()
        case relays.NEWS:
            running_turns().flights.relay(item["digest"], UUID(item["turn"]))
    for listener in _who_hears(item):
        listener(item)


def _who_hears(item: dict[str, Any]) -> list[Listener]:
    """The sockets of a conversation; of news that concern everybody, all sockets."""
    if item.get("kind") in FOR_EVERYBODY:
        return [listener for listeners in _listeners.values() for listener in listeners]
    return list(_listeners.get(str(item.get("conversation")), ()))


def _stop_here(turn_id: UUID) -> bool:
    live = running_turns().live.get(turn_id)
    if live is not None:
        live.stop()
    return live is not None


# --- start -----------------------------------------------------------------------------------------------------------


async def start(
    *, user: User, conversation_id: UUID, frame: Starter, address: str | None = None, begins_chat: bool = False
) -> Started:
    """Save what was asked and let a model answer it; the same request twice starts nothing anew.

    With `begins_chat` the chat is made in the same step; its id must be new, and the question without attachments.
    With an `address` the question counts for the limits of this user and address; a door that counts by itself gives
    none. Raises `NotFound`, `Invalid`, `RateLimited`, `QuotaReached`, `Busy` while the server shuts down, and
    `DatabaseAway` when PostgreSQL stays away. Must not be cancelled half-way: shield it.
    """
    began = time.perf_counter()
    running = running_turns()
    if running.draining or draining.is_draining():
        raise Busy("The server is restarting.", code="restarting", hint="It is back in a moment.", retry_after=1)
    request = Request(
        user_id=user.pk,
        conversation_id=conversation_id,
        id=frame.id or uuid.uuid4(),
        owner=running.owner,
        choice=getattr(frame, "model", ""),
        begins_chat=begins_chat,
        system_prompt=user.system_prompt,
    )
    running.starting += 1
    try:
        admission = Admission(user.pk, address)
        saved = await _persistently(lambda: in_database(beginning.begin, request, frame, admission, began))
        if await _go_on(running, user, saved, began) and not begins_chat:  # else nobody can have it open yet
            _keep(running, _announce(conversation_id, saved.begun.turn.id))
    finally:
        running.starting -= 1
    begun, turn = saved.begun, saved.begun.turn
    return Started(request.id, turn.id, turn.question_id, turn.answer_id, begun.title, admission.notice)


async def _go_on(running: RunningTurns, user: User, saved: Beginning, began: float) -> bool:
    """Tell the answer that is remembered, or let a model write; False for a request that had begun before."""
    turn = saved.begun.turn
    if turn.id in running.live:
        return False
    if saved.begun.outcome is not None:
        await _tell_remembered(running, user, turn)
    elif saved.needs is not None:
        _launch(running, user, saved, saved.needs, began)
    return bool(saved.begun.outcome or saved.needs)


async def _persistently(work: Callable[[], Awaitable[T]]) -> T:
    """A restart of PostgreSQL takes a second or two: wait for it instead of bothering somebody with it."""
    for pause in DATABASE_TRIES:
        try:
            return await work()
        except DatabaseAway:
            await asyncio.sleep(pause)
    return await work()


async def _tell_remembered(running: RunningTurns, user: User, turn: Turn) -> None:
    """Count a turn that is over, and keep its words at hand for those who are about to follow it."""
    with spans.current("turn", nitro__turn=str(turn.id)) as span:
        done = replay.done_fields(turn)
        await ledger().charge(user.pk, Usage(0, 0))
        log = TurnLog(turn.id, "", turn.answer.reasoning)
        log.append(turn.answer.text)
        log.finish(done)
        live = LiveTurn(turn.id, turn.conversation_id, turn.answer_id, user.pk, log)
        running.add(live)
        running.forget_later(live)
        meters.turn_ended(done)
        _tell_hooks(running, user.pk, turn.id)
        span.set(nitro__end=turn.finish_reason, nitro__provider=turn.provider, nitro__cached=True)


def _launch(running: RunningTurns, user: User, saved: Beginning, needs: Needs, began: float) -> None:
    turn = saved.begun.turn
    base = turn.answer.text
    log = TurnLog(turn.id, base, turn.answer.reasoning)
    live = LiveTurn(turn.id, turn.conversation_id, turn.answer_id, user.pk, log)
    running.add(live)
    job = Job(
        history=needs.history,
        target=needs.target,
        options=needs.options,
        system_prompt=saved.begun.system_prompt,
        prefill=base,
        began=began,
        problem=needs.problem,
        cache=saved.use,
        preparation=searching.preparation(user=user, turn=turn, history=needs.history, fresh=saved.fresh)
        if saved.searches
        else None,
        pictures=needs.pictures,
    )
    live.task = _keep(running, Conductor(running, live, job).run())
    live.task.add_done_callback(lambda _: _tell_hooks(running, user.pk, turn.id))


def _tell_hooks(running: RunningTurns, user_id: int, turn_id: UUID) -> None:
    """Looked at in the end: a webhook may be younger than the answer's beginning."""
    if hooks.is_called(user_id=user_id):
        _keep(running, _call_hooks(user_id, turn_id))


async def _call_hooks(user_id: int, turn_id: UUID) -> None:
    """Tell the user's own servers that an answer is done; what is to be sent stands in rows, and a worker sends it."""
    with suppress(DatabaseAway):
        await in_database(hooking.answer_announce, user_id=user_id, turn_id=turn_id)


async def _announce(conversation_id: UUID, turn_id: UUID) -> None:
    """Tell whoever else has the chat open. A moment later: one who asks shall not wait for those who look on."""
    await asyncio.sleep(ANNOUNCE_SECONDS)
    await news.publish({"kind": "turn", "conversation": str(conversation_id), "turn": str(turn_id)})


# --- follow and stop -------------------------------------------------------------------------------------------------


async def attach(
    *, user: User, conversation_id: UUID, turn_id: UUID, after: int, html: bool
) -> AsyncGenerator[Item, None]:
    """The items of a turn after `seq` = `after`, then live; from this process's memory or from wherever it runs.

    Raises `NotFound` for turns of others.
    """
    live = running_turns().live.get(turn_id)
    if live is not None and (live.user_id, live.conversation_id) == (user.pk, conversation_id):
        return live.log.follow(after, html=html)
    turn = await _persistently(
        lambda: in_database(selectors.turn_get, user=user, conversation_id=conversation_id, turn_id=turn_id)
    )
    return replay.follow(turn, after, html=html)


async def stop(*, user: User, conversation_id: UUID, turn_id: UUID) -> None:
    """End a turn wherever it runs; the words so far are kept. Raises `NotFound` for turns of others."""
    live = running_turns().live.get(turn_id)
    if live is not None and (live.user_id, live.conversation_id) == (user.pk, conversation_id):
        live.stop()
        return
    await in_database(services.turn_request_stop, user=user, conversation_id=conversation_id, turn_id=turn_id)
    await news.publish({"kind": "stop", "turn": str(turn_id)})


async def drain(seconds: float) -> None:
    """Take no new turns, give the running ones some time, and save the rest as interrupted."""
    running = running_turns()
    running.draining = True
    await _quiet(running, seconds)
    for live in running.running:
        live.stop("interrupted")
    await _quiet(running, SAVE_SECONDS)
    await running.flush()


async def _quiet(running: RunningTurns, seconds: float) -> None:
    """Return when no turn runs or begins here any more, or when the time is over."""
    deadline = time.monotonic() + seconds
    while (running.starting or running.running) and time.monotonic() < deadline:  # noqa: ASYNC110 (many ways to end)
        await asyncio.sleep(0.02)


async def close() -> None:
    """End the keeping of this event loop; for tests and for the end of a process."""
    running = _by_loop.pop(asyncio.get_running_loop(), None)
    if running is None:
        return
    # Python 3.11's wait_for, on which the driver of Redis relies, can swallow a cancellation: ask until all have heard.
    while tasks := list(running.tasks):
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
    await running.close()
