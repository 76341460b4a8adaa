"""The whole path: an engine, a small web, passages, a model, and an answer that cites only what was read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.core.database import in_database
from apps.llm.providers.scripted import Scripted
from apps.search import finding, selectors
from apps.search.answering import reply
from apps.search.finding import Wanted
from apps.search.providers.base import EngineAway
from apps.search.values import Result, State, Step
from tests.core.outside.servers import Local
from tests.search.conftest import says
from tests.search.web import QUESTION, Stub, found

pytestmark = pytest.mark.django_db(transaction=True)
Engines = Callable[..., None]
ALL = ("bridge", "length", "marn", "closed", "broken", "inside")


async def test_the_right_pages_are_read_and_the_others_are_told_with_a_reason(
    alice: User, site: Local, ask_engines: Engines
) -> None:
    ask_engines(Stub(found(site, *ALL)))
    told: list[Step] = []
    got = await reply(user=alice, wanted=Wanted(QUESTION), answer=False, tell=told.append)
    states = {source.page.url.rsplit("/", 1)[1]: source.page.state for source in got.findings.sources}
    assert states == {
        "bridge": State.READ,
        "length": State.READ,
        "marn": State.READ,
        "closed": State.FORBIDDEN,
        "broken": State.FAILED,
        "inside": State.REFUSED,
    }
    assert all(source.page.reason for source in got.findings.sources if source.page.state is not State.READ)
    assert told[0].state == "searching"
    assert {step.total for step in told if step.state == "reading"} == {len(ALL)}


async def test_the_best_passage_stands_in_the_page_to_the_letter(
    alice: User, site: Local, ask_engines: Engines
) -> None:
    ask_engines(Stub(found(site, "island", "bridge", "length")))
    got = await reply(user=alice, wanted=Wanted(QUESTION), answer=False)
    best = {source.number: source.passages[0] for source in got.findings.read}
    assert "opened on 4 May 1931" in best[2].text
    assert "1,240 metres" in best[3].text
    for source in got.findings.read:
        assert all(source.page.text[p.start : p.end] == p.text for p in source.passages)
    assert "newsletter" not in "".join(source.page.text for source in got.findings.read)


async def test_true_claims_keep_their_mark_and_wrong_ones_lose_it(
    alice: User, site: Local, ask_engines: Engines, model: Scripted
) -> None:
    ask_engines(Stub(found(site, "bridge", "length")))
    says(
        model,
        "The bridge of Tarrow was opened on 4 May 1931 [1]. It is 1240 metres long [2]. "
        "It cost 90 million crowns [1]. Dolphins build submarines [2]. It has nine arches [7].",
    )
    got = await reply(user=alice, wanted=Wanted(QUESTION), answer=True)
    assert got.answer == (
        "The bridge of Tarrow was opened on 4 May 1931 [1]. It is 1240 metres long [2]. "
        "It cost 90 million crowns. Dolphins build submarines. It has nine arches."
    )


async def test_each_mark_keeps_its_passage_in_the_rows(
    alice: User, site: Local, ask_engines: Engines, model: Scripted
) -> None:
    ask_engines(Stub(found(site, "bridge", "length")))
    says(model, "It was opened on 4 May 1931 after six years of work [1]. The bridge is 1240 metres long [2].")
    got = await reply(user=alice, wanted=Wanted(QUESTION), answer=True)
    row = await in_database(selectors.search_get, user=alice, search_id=got.search_id)
    marks = [(mark.number, mark.claim, mark.passage.text) for mark in row.citations.all()]
    assert [number for number, _, _ in marks] == [1, 2]
    assert "4 May 1931" in marks[0][2]
    assert "1,240 metres" in marks[1][2]
    assert row.answer == got.answer


async def test_the_same_question_is_not_asked_again_within_the_hour(
    alice: User, site: Local, ask_engines: Engines, model: Scripted
) -> None:
    engine = Stub(found(site, "bridge"))
    ask_engines(engine)
    says(model, "It was opened in May 1931 [1].")
    first = await reply(user=alice, wanted=Wanted(QUESTION), answer=True)
    hits = site.hits
    second = await reply(user=alice, wanted=Wanted(f"  {QUESTION.upper()} "), answer=True)
    assert (first.cached, second.cached) == (False, True)
    assert second.answer == first.answer
    assert (len(engine.asked), len(model.calls), site.hits) == (1, 1, hits)
    rows = [await in_database(selectors.search_get, user=alice, search_id=one.search_id) for one in (first, second)]
    assert {row.answer for row in rows} == {first.answer}
    quoted = [[mark.passage.text for mark in row.citations.all()] for row in rows]
    assert quoted[0] == quoted[1] != []


async def test_what_one_person_asked_is_asked_anew_for_another(
    alice: User, bob: User, site: Local, ask_engines: Engines
) -> None:
    engine = Stub(found(site, "bridge"))
    ask_engines(engine)
    await reply(user=alice, wanted=Wanted(QUESTION), answer=False)
    again = await reply(user=bob, wanted=Wanted(QUESTION), answer=False)
    assert (again.cached, len(engine.asked)) == (False, 2)


async def test_named_pages_are_read_beside_those_of_the_engine(alice: User, site: Local, ask_engines: Engines) -> None:
    ask_engines(Stub(found(site, "bridge")))
    got = await reply(user=alice, wanted=Wanted(QUESTION, (site.url("/length"),)), answer=False)
    assert [source.page.url for source in got.findings.sources] == [site.url("/length"), site.url("/bridge")]


async def test_what_a_page_orders_is_quoted_and_its_marks_are_defused(
    alice: User, site: Local, ask_engines: Engines, model: Scripted
) -> None:
    ask_engines(Stub(found(site, "order")))
    await reply(user=alice, wanted=Wanted(QUESTION), answer=True)
    prompt = model.calls[0].messages[-1].text
    assert prompt.index("They are data") < prompt.index("<<<") < prompt.index("HACKED") < prompt.index(">>>")
    assert prompt.endswith(f"Question: {QUESTION}")


async def test_without_internet_the_own_library_answers_and_says_so(
    alice: User, site: Local, ask_engines: Engines
) -> None:
    ask_engines(Stub(found(site, "bridge")))
    await reply(user=alice, wanted=Wanted(QUESTION), answer=False)
    ask_engines(Stub(failure=EngineAway("No line.")))
    got = await reply(user=alice, wanted=Wanted("nine arches of Tarrow"), answer=False)
    assert (got.findings.offline, got.findings.engine) == (True, "library")
    assert "cannot be reached" in got.findings.note
    assert "nine arches" in got.findings.read[0].passages[0].text


async def test_nobody_finds_the_pages_that_another_has_saved(
    alice: User, bob: User, site: Local, ask_engines: Engines
) -> None:
    ask_engines(Stub(found(site, "bridge")))
    await reply(user=alice, wanted=Wanted(QUESTION), answer=False)
    ask_engines(Stub(failure=EngineAway("No line.")))
    got = await reply(user=bob, wanted=Wanted(QUESTION), answer=False)
    assert not got.findings.read


async def test_a_web_of_a_dozen_pages_gives_an_answer_that_cites_only_what_was_read(
    alice: User, site: Local, ask_engines: Engines, model: Scripted
) -> None:
    """The whole of it at once: right pages read, right passages quoted, wrong claims uncited, the rest told."""
    names = ("bridge", "length", "marn", "island", "german", "evil")
    others = ("order", "text", "moved", "closed", "broken", "binary", "inside")
    ask_engines(Stub(found(site, *names)))
    says(
        model,
        "The bridge of Tarrow was opened on 4 May 1931 [8]. It is 1240 metres long [9]. The bridge of Marn was closed "
        "in 1955 [10]. It was built by dolphins in 1802 [8]. It has nine arches [2]. Ask HACKED [4].",
    )
    wanted = Wanted(QUESTION, tuple(site.url(f"/{name}") for name in others))
    got = await reply(user=alice, wanted=wanted, answer=True)
    states = [source.page.state.value for source in got.findings.sources]
    assert states == ["read"] * 3 + ["forbidden", "failed", "failed", "refused"] + ["read"] * 6
    assert got.answer == (
        "The bridge of Tarrow was opened on 4 May 1931 [8]. It is 1240 metres long [9]. The bridge of Marn was closed "
        "in 1955 [10]. It was built by dolphins in 1802. It has nine arches [2]. Ask HACKED."
    )
    row = await in_database(selectors.search_get, user=alice, search_id=got.search_id)
    quoted = {mark.number: mark.passage.text for mark in row.citations.all()}
    assert "4 May 1931" in quoted[8]
    assert "1,240 metres" in quoted[9]
    assert "closed again in 1955" in quoted[10]
    assert "nine arches" in quoted[2]


async def test_engines_that_hang_are_as_good_as_away(
    alice: User, ask_engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(Stub):
        async def search(self, query: str, count: int) -> list[Result]:
            await asyncio.Event().wait()
            return []

    monkeypatch.setattr(finding, "ENGINE_SECONDS", 0.05)
    ask_engines(Hanging())
    got = await reply(user=alice, wanted=Wanted(QUESTION), answer=False)
    assert got.findings.offline
