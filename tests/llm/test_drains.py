"""An administrator lets a provider rest: the router passes it over, and says why where nobody else is left."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from apps.core.errors import DatabaseAway
from apps.llm import drains, services
from apps.llm.drains import Drains, from_rows
from apps.llm.errors import Drained, Unreachable
from apps.llm.events import Chosen
from apps.llm.messages import Call, Message, Role
from apps.llm.providers.scripted import Script, Scripted
from apps.llm.router import Router
from apps.llm.settings import LlmSettings

CALL = Call(model="", messages=(Message(Role.USER, "Hello"),))


class Rows:
    """What the database says, and whether it answers."""

    def __init__(self, **known: str) -> None:
        self.known: dict[str, str] = dict(known)
        self.looks, self.away = 0, False

    def __call__(self) -> Mapping[str, str]:
        self.looks += 1
        if self.away:
            raise DatabaseAway("It is away.")
        return dict(self.known)


def router(rows: Rows, **settings: object) -> Router:
    providers = {kind: [Scripted(Script(tokens=[kind]))] for kind in ("openai", "ollama", "builtin")}
    given = LlmSettings(ai_model="openai", openai_model="m", ollama_model="m", **settings)  # type: ignore[arg-type]
    return Router(given, providers, Drains(rows))


async def who(asked: Router, choice: str = "") -> Chosen:
    events = [event async for event in asked.stream(asked.resolve(choice), CALL)]
    return next(event for event in events if isinstance(event, Chosen))


async def test_nobody_rests_unless_it_was_said() -> None:
    assert (await who(router(Rows()))).provider == "openai"


async def test_one_that_rests_is_passed_over_for_a_fallback() -> None:
    chosen = await who(router(Rows(openai="Maintenance."), ai_fallback=("ollama",)))
    assert (chosen.provider, chosen.fallback_from) == ("ollama", "openai")
    assert chosen.fallback_reason == "Maintenance."


async def test_only_a_stand_in_says_why_somebody_rests() -> None:
    chosen = await who(router(Rows(ollama="Too hot."), ai_fallback=("ollama",)))
    assert (chosen.provider, chosen.fallback_reason) == ("openai", "")


async def test_a_stand_in_for_one_that_failed_gives_no_reason() -> None:
    away = Scripted(Script(failure=Unreachable("It is away.")))
    given = LlmSettings(ai_model="openai", openai_model="m", ai_fallback=("builtin",))
    asked = Router(given, {"openai": [away], "builtin": [Scripted()]}, Drains(Rows(ollama="Too hot.")))
    chosen = await who(asked)
    assert (chosen.provider, chosen.fallback_from, chosen.fallback_reason) == ("builtin", "openai", "")


async def test_a_fallback_that_rests_is_passed_over_too() -> None:
    rows = Rows(openai="Maintenance.", ollama="Too hot.")
    assert (await who(router(rows, ai_fallback=("ollama", "builtin")))).provider == "builtin"


async def test_where_nobody_was_asked_for_whoever_is_there_answers() -> None:
    assert (await who(router(Rows(openai="Maintenance.")))).provider == "builtin"


async def test_who_asked_for_it_by_name_is_told_why() -> None:
    with pytest.raises(Drained) as told:
        await who(router(Rows(openai="Maintenance until six.")), "openai:m")
    assert "Maintenance until six." in told.value.message
    assert not told.value.permanent


async def test_vectors_of_one_that_rests_are_refused() -> None:
    asked = router(Rows(openai="Maintenance."))
    with pytest.raises(Drained):
        await asked.embed(asked.resolve(), ["a"])


async def test_questions_in_a_row_look_once() -> None:
    rows = Rows()
    asked = router(rows)
    for _ in range(3):
        await who(asked)
    assert rows.looks == 1


async def test_a_change_holds_when_the_last_look_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drains, "FRESH", 0.0)
    rows = Rows()
    asked = router(rows)
    assert (await who(asked)).provider == "openai"
    rows.known["openai"] = "Maintenance."
    assert (await who(asked)).provider == "builtin"
    rows.known.clear()
    assert (await who(asked)).provider == "openai"


async def test_while_the_database_is_away_what_was_known_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drains, "FRESH", 0.0)
    rows = Rows(openai="Maintenance.")
    looked = Drains(in_place(rows))
    assert await looked.fresh() == {"openai": "Maintenance."}
    rows.away = True
    assert await looked.fresh() == {"openai": "Maintenance."}


async def test_a_process_that_never_reached_the_database_stops_nobody() -> None:
    rows = Rows(openai="Maintenance.")
    rows.away = True
    assert await Drains(in_place(rows)).fresh() == {}


def in_place(rows: Rows) -> drains.Reader:
    return rows


@pytest.mark.django_db
def test_the_rows_are_the_truth_for_all_processes() -> None:
    services.provider_drain(kind="openai", reason="Maintenance.", by="admin")
    services.provider_drain(kind="openai", reason="Longer maintenance.", by="admin")
    assert from_rows() == {"openai": "Longer maintenance."}
    assert services.provider_undrain(kind="openai")
    assert not services.provider_undrain(kind="openai")
    assert from_rows() == {}
