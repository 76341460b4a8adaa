"""Starts, follows and stops turns: the door's only way to an answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from apps.accounts import hooks, open_sockets
from apps.accounts.models import User
from apps.chat import hooking, prompts, replay, replies, searching, selectors, services, sight
from apps.chat.admission import Admission
from apps.chat.conductor import Conductor, Job
from apps.chat.frames import Ask, Continue, Edit, Retry
from apps.chat.models import Message, Turn
from apps.chat.repair import keep_repairing
from apps.chat.running import LiveTurn, RunningTurns
from apps.chat.selectors import Line
from apps.chat.services import Begun, Request
from apps.chat.turnlog import Item, TurnLog
from apps.core import draining, news
from apps.core.database import in_database
from apps.core.errors import Busy, DatabaseAway, NitroError
from apps.core.unceasing import unceasing
from apps.llm import options
from apps.llm.errors import ProviderError
from apps.llm.messages import Image, Options
from apps.llm.router import Target, default_options, router

T = TypeVar("T")
Starter = Ask | Retry | Edit | Continue
Listener = Callable[[dict[str, Any]], None]

DATABASE_TRIES = (0.1, 0.3, 0.7, 1.5)  # seconds between the tries of a request while PostgreSQL restarts
FOR_EVERYBODY = frozenset({"pull", "models"})  # kinds of news: a model is being installed, models have changed
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


@dataclass(frozen=True, slots=True)
class Read:
    """What was read in the same trip to the database in which the turn began."""

    begun: Begun
    history: list[Line]
    target: Target | None
    problem: NitroError | None
    searches: bool = False
    pictures: Mapping[UUID, Image] = field(default_factory=dict)


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
    )
    running.starting += 1
    try:
        admission = Admission(user.pk, address)
        read = await _persistently(lambda: in_database(_begin, request, frame, admission))
        turn = read.begun.turn
        if _is_ours(turn, request) and turn.id not in running.live:
            _launch(running, user, read, frame, began)
            if not begins_chat:  # nobody can have it open yet
                _keep(running, _announce(turn.conversation_id, turn.id))
    finally:
        running.starting -= 1
    return Started(request.id, turn.id, turn.question_id, turn.answer_id, read.begun.title, admission.notice)


def _is_ours(turn: Turn, request: Request) -> bool:
    """Whether this process shall run the turn: it began it, be it at a try whose confirmation was lost."""
    return turn.owner == request.owner and turn.state == Turn.State.RUNNING


async def _persistently(work: Callable[[], Awaitable[T]]) -> T:
    """A restart of PostgreSQL takes a second or two: wait for it instead of bothering somebody with it."""
    for pause in DATABASE_TRIES:
        try:
            return await work()
        except DatabaseAway:
            await asyncio.sleep(pause)
    return await work()


def _begin(request: Request, frame: Starter, admission: Admission) -> Read:
    """Save the beginning and read what the model will need."""
    admission.count()
    hooks.look()
    begun = _save(request, frame)
    if not _is_ours(begun.turn, request):
        return Read(begun, [], None, None)
    try:
        target = router().resolve(begun.turn.choice)
        options.check(target.provider, _asked(frame))
    except ProviderError as error:
        return Read(begun, [], None, error)
    searches = searching.is_wished(user_id=request.user_id, frame=frame)
    history = _history(begun.turn.question, target)
    try:
        return Read(begun, history, target, None, searches, sight.seen(history, target))
    except ProviderError as error:
        return Read(begun, history, target, error)


def _history(question: Message, target: Target) -> list[Line]:
    """What was said before and the question itself; the first question of a chat needs no trip to the database."""
    if not question.position:
        return [Line(0, question.role, question.text, question.attachment_ids)]
    characters = prompts.history_characters(target.context_window)
    return selectors.history(message_id=question.id, characters=characters)


def _save(request: Request, frame: Starter) -> Begun:
    match frame:
        case Ask():
            return services.turn_ask(request=request, text=frame.text, attachment_ids=frame.attachments)
        case Edit():
            return services.turn_edit(request=request, message_id=frame.message, text=frame.text)
        case Retry():
            return services.turn_retry(request=request, message_id=frame.message)
        case Continue():
            return services.turn_continue(request=request, turn_id=frame.turn)


def _launch(running: RunningTurns, user: User, read: Read, frame: Starter, began: float) -> None:
    turn = read.begun.turn
    base = turn.answer.text
    log = TurnLog(turn.id, base, turn.answer.reasoning)
    live = LiveTurn(turn.id, turn.conversation_id, turn.answer_id, user.pk, log)
    running.add(live)
    wanted = not isinstance(frame, Ask) or frame.cache
    job = Job(
        history=read.history,
        target=read.target or Target("", "", 0, turn.choice),
        options=_options(read.begun, frame),
        system_prompt=read.begun.system_prompt,
        prefill=base,
        began=began,
        problem=read.problem,
        cache=replies.use_of(kind=turn.kind, wanted=wanted),
        preparation=searching.preparation(user=user, turn=turn, history=read.history, fresh=not wanted)
        if read.searches
        else None,
        pictures=read.pictures,
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


def _options(begun: Begun, frame: Starter) -> Options:
    """The defaults of this installation, over them what was chosen for the chat, over that what the question says."""
    chosen: dict[str, Any] = {**begun.options, **_asked(frame)}
    return replace(default_options(), **chosen)


def _asked(frame: Starter) -> Mapping[str, float]:
    """The options that came with the question itself."""
    return frame.options if isinstance(frame, Ask) else {}


async def _announce(conversation_id: UUID, turn_id: UUID) -> None:
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
