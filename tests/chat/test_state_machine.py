"""Any sequence of things that people and networks do to a chat: what must hold of it always, holds."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.chat import conversation_services, turns
from apps.chat.models import Conversation, Message, Turn
from apps.core.database import in_database
from apps.llm.providers.scripted import Script, Scripted, numbered
from tests.chat.play import Client

pytestmark = pytest.mark.django_db(transaction=True)
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
TOKENS = 25
WHOLE = "".join(numbered(TOKENS))
KINDS = ["ask", "again", "stop", "retry", "edit", "continue", "attach", "elsewhere", "leave", "bob", "wait"]


@dataclass(frozen=True)
class Act:
    """One thing that happens: to which socket, to which of the turns so far, and a number more."""

    kind: str
    socket: int
    pick: int
    number: int


ACTS = st.lists(
    st.builds(Act, st.sampled_from(KINDS), st.integers(0, 1), st.integers(0, 9), st.integers(0, 30)),
    min_size=2,
    max_size=10,
)


@dataclass
class Known:
    """A turn that was accepted."""

    request: str
    turn: str
    question: str
    answer: str
    kind: str
    stopped: bool = False


@dataclass
class Stage:
    """The chat, its people, and what the play knows of it."""

    conversation: Conversation
    bob: User
    bobs: Conversation
    clients: list[Client] = field(default_factory=list)
    gone: list[Client] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    messages: int = 0

    async def open(self) -> Client:
        client = Client(self.conversation.owner, self.conversation.id)
        await client.open()
        return client

    async def perform(self, act: Act) -> None:
        await getattr(self, f"do_{act.kind}")(act, self.clients[act.socket], self.known[act.pick % len(self.known)])

    async def begin(self, client: Client, kind: str, messages: int, **frame: str) -> None:
        """Send what begins a turn; it is accepted, or refused for the one reason there can be."""
        reply = await client.request(type=kind, **frame)
        if reply["type"] == "error":
            assert (kind, reply["code"]) == ("continue", "turn_running")
            return
        self.known.append(Known(reply["id"], reply["turn"], reply["question"], reply["answer"], kind))
        self.messages += messages

    async def do_ask(self, act: Act, client: Client, _: object) -> None:
        await self.begin(client, "ask", 2, text=f"Question {act.number}")

    async def do_again(self, _: Act, client: Client, known: Known) -> None:
        reply = await client.request(type="ask", id=known.request, text="Question")
        assert (reply["turn"], reply["question"], reply["answer"]) == (known.turn, known.question, known.answer)

    async def do_stop(self, _: Act, client: Client, known: Known) -> None:
        known.stopped = True
        await client.wire.say(type="stop", turn=known.turn)

    async def do_retry(self, _: Act, client: Client, known: Known) -> None:
        await self.begin(client, "retry", 1, message=known.answer)

    async def do_edit(self, _: Act, client: Client, known: Known) -> None:
        await self.begin(client, "edit", 2, message=known.question, text="Changed")

    async def do_continue(self, _: Act, client: Client, known: Known) -> None:
        await self.begin(client, "continue", 0, turn=known.turn)

    async def do_attach(self, act: Act, client: Client, known: Known) -> None:
        await client.attach(known.turn, min(act.number, client.turns[known.turn].last))

    async def do_elsewhere(self, act: Act, client: Client, known: Known) -> None:
        """Attach as if the turn ran in another process."""
        live = turns.running_turns().live
        hidden = live.pop(uuid.UUID(known.turn), None)
        await client.attach(known.turn, min(act.number, client.turns[known.turn].last))
        await asyncio.sleep(0.05)
        if hidden is not None:
            live[hidden.turn_id] = hidden

    async def do_leave(self, act: Act, client: Client, known: Known) -> None:
        """The tab is closed; another one opens and goes on where the first one was."""
        await client.close()
        self.gone.append(client)
        fresh = self.clients[act.socket] = await self.open()
        heard = fresh.turns[known.turn]
        heard.texts, heard.last = dict(client.turns[known.turn].texts), client.turns[known.turn].last
        await fresh.attach(known.turn, heard.last)

    async def do_bob(self, act: Act, _: object, known: Known) -> None:
        """Another user tries everything with ids that somebody told them."""
        intruder = Client(self.bob, self.bobs.id)
        await intruder.open()
        await intruder.wire.say(type="attach", turn=known.turn, after=0)
        await intruder.wire.say(type="stop", turn=known.turn)
        for kind in ("continue", "retry", "edit"):
            reply = await intruder.request(type=kind, turn=known.turn, message=known.question, text="Mine")
            assert reply["code"] == "not_found"
        await intruder.close()
        assert not set(intruder.types) - {"error"}
        assert {error["code"] for error in intruder.errors} == {"not_found"}

    async def do_wait(self, act: Act, *_: object) -> None:
        await asyncio.sleep(act.number / 100)


async def play(conversation: Conversation, bob: User, model: Scripted, acts: list[Act]) -> None:
    model.scripts, model.calls = [Script(tokens=numbered(TOKENS), delay=0.004)], []
    own = await in_database(conversation_services.conversation_create, user=conversation.owner)
    stage = Stage(own, bob, await in_database(conversation_services.conversation_create, user=bob))
    stage.clients = [await stage.open(), await stage.open()]
    await stage.begin(stage.clients[0], "ask", 2, text="First")
    for act in acts:
        await stage.perform(act)
    await check(stage, model)
    for client in stage.clients:
        await client.close()
    await turns.close()


async def check(stage: Stage, model: Scripted) -> None:
    """What must be true in the end, whatever happened."""
    witness = await stage.open()
    for known in stage.known:
        await witness.attach(known.turn, 0)
        await witness.until_done(known.turn)
    rows = await in_database(lambda: list(Turn.objects.filter(conversation=stage.conversation)))
    by_id = {str(row.id): row for row in rows}
    assert by_id.keys() == {known.turn for known in stage.known}
    assert await in_database(Message.objects.filter(conversation=stage.conversation).count) == stage.messages
    unstopped = [known for known in stage.known if not known.stopped]
    assert len(unstopped) <= len(model.calls) <= len(stage.known)
    for known in stage.known:
        check_turn(known, by_id[known.turn], witness, [*stage.clients, *stage.gone])
    await check_texts(stage, by_id)
    await witness.close()


def check_turn(known: Known, row: Turn, witness: Client, others: list[Client]) -> None:
    """The end is the row's; all heard the same words under the same numbers; nobody heard an end that was none."""
    heard = witness.turns[known.turn]
    (done,) = heard.done
    assert done["finish_reason"] == row.finish_reason
    assert row.state == (Turn.State.STOPPED if done["finish_reason"] == "stopped" else Turn.State.DONE)
    assert known.stopped or row.state == Turn.State.DONE
    assert list(heard.texts) == list(range(1, done["seq"]))
    spoken = "".join(heard.texts.values())
    assert WHOLE.startswith(spoken)
    assert row.state == Turn.State.STOPPED or spoken == WHOLE
    for client in others:
        assert client.turns[known.turn].texts.items() <= heard.texts.items()
        assert len(client.turns[known.turn].done) <= 1


async def check_texts(stage: Stage, rows: dict[str, Turn]) -> None:
    """An answer is the words of its turns, one after the other."""
    witness = await stage.open()
    spoken: dict[str, str] = {}
    for known in sorted(stage.known, key=lambda known: rows[known.turn].created_at):
        assert rows[known.turn].base_length == len(spoken.get(known.answer, ""))
        await witness.attach(known.turn, 0)
        heard = await witness.until_done(known.turn)
        spoken[known.answer] = spoken.get(known.answer, "") + "".join(heard.texts.values())
    for answer, text in spoken.items():
        assert (await in_database(Message.objects.get, id=answer)).text == text
    await witness.close()


@settings(max_examples=12, deadline=None, suppress_health_check=SHARED)
@given(acts=ACTS)
async def test_whatever_happens_the_chat_keeps_its_promises(
    conversation: Conversation, bob: User, model: Scripted, acts: list[Act]
) -> None:
    await play(conversation, bob, model, acts)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=150, deadline=None, suppress_health_check=SHARED)
@given(acts=ACTS)
async def test_whatever_happens_often_the_chat_keeps_its_promises(
    conversation: Conversation, bob: User, model: Scripted, acts: list[Act]
) -> None:
    await play(conversation, bob, model, acts)
