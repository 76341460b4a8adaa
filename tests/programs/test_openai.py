"""OpenAI's own package talks to a running Nitro: only the address and the key are others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.programs.conftest import House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.model]
PATIENCE = 120.0


@pytest_asyncio.fixture(loop_scope="session")
async def client(house: House) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=house.v1, api_key=house.alice, max_retries=0, timeout=PATIENCE) as one:
        yield one


async def test_a_whole_answer(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="builtin", messages=[{"role": "user", "content": "Say hello."}], max_tokens=20
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 20


async def test_a_stream_with_usage(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="builtin",
        messages=[{"role": "user", "content": "Say hello."}],
        max_tokens=20,
        stream=True,
        stream_options={"include_usage": True},
    )
    words, used = "", None
    async for chunk in stream:
        words += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        used = chunk.usage or used
    assert words
    assert used is not None
    assert used.total_tokens == used.prompt_tokens + used.completion_tokens


async def test_json_of_a_schema(client: AsyncOpenAI) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
        "required": ["name", "age"],
    }
    answer = await client.chat.completions.create(
        model="builtin",
        messages=[{"role": "user", "content": "Invent a person."}],
        max_tokens=80,
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
    )
    found = json.loads(answer.choices[0].message.content or "")
    assert isinstance(found["name"], str)
    assert isinstance(found["age"], int)


async def test_a_wrong_key(house: House) -> None:
    async with AsyncOpenAI(base_url=house.v1, api_key="nk_wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError, match="unknown"):
            await client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Hello"}])


async def test_an_unknown_model(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        await client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "Hello"}])


async def test_more_than_one_answer_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="'n'"):
        await client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Hello"}], n=2)


async def test_a_stream_that_is_left_stops_the_model(client: AsyncOpenAI, house: House) -> None:
    before = house.standin.stats.disconnected
    stream = await client.chat.completions.create(
        model="openai", messages=[{"role": "user", "content": "Count."}], stream=True
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    await stream.close()
    async with asyncio.timeout(30):
        while house.standin.stats.disconnected == before:
            await asyncio.sleep(0.02)


async def test_the_list_of_models(client: AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert names[0] == "auto"
    assert any(name.startswith("builtin:") for name in names)
    answer = await client.chat.completions.create(
        model=names[-1], messages=[{"role": "user", "content": "Hello"}], max_tokens=5
    )
    assert answer.choices[0].message.content
