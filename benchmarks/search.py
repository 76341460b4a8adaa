"""From a question to the first word with a search in between: six pages of 200 kB that answer after 300 ms.

    python -m benchmarks.search

Runs against the tests' PostgreSQL and Redis and asks no model, so that what is measured is everything but the model.
"""

from __future__ import annotations

import asyncio
import os
import time
from statistics import median

RUNS = 5
DELAY = 0.3
SIZE = 200_000


async def first_word(wanted: object, user: object) -> float:
    """Milliseconds until a model could say its first word."""
    from apps.core.database import in_database
    from apps.llm.router import Target
    from apps.search import prompts, services
    from apps.search.finding import find

    began = time.perf_counter()
    findings = await find(user=user, wanted=wanted, tell=lambda step: None)  # type: ignore[arg-type]
    await in_database(services.search_save, user=user, findings=findings)  # type: ignore[arg-type]
    given = prompts.sources_choose(findings.read, prompts.passages_budget(Target("x", "x", 8192).context_window))
    assert prompts.question_build(findings, given)
    assert len(findings.read) == 6, [source.page.state for source in findings.sources]
    return (time.perf_counter() - began) * 1000


async def measure() -> None:
    """Ask new questions about new pages, then the last one again."""
    from django.conf import settings
    from django.core.cache import cache

    from apps.core.database import in_database
    from apps.search import reading, registry
    from apps.search.chain import Chain
    from apps.search.finding import Wanted
    from tests import cast
    from tests.search.web import BRIDGE, Stub, after, article, found, web

    user = await in_database(cast.alice)
    await in_database(cache.clear)
    names = [f"page{number}" for number in range(6)]
    pages = {name: after(DELAY, article(name, BRIDGE, size=SIZE)) for name in names}
    new, again, cold = [], [], 0.0
    for run in range(RUNS + 1):
        async with web(**pages) as first, web(**pages) as second:
            settings.FETCH_ALLOWED_PRIVATE = [first.place, second.place]
            registry.use(Chain([Stub([*found(first, *names[:3]), *found(second, *names[3:])])]))
            wanted = Wanted(f"When was the bridge of Tarrow opened? {run}")
            took = await first_word(wanted, user)
            cold = cold or took
            new += [took] if run else []
            again.append(await first_word(wanted, user))
    for cell in reading.cells():
        cell.end()
    print(
        f"question to first word: {median(new):.0f} ms ({min(new):.0f} – {max(new):.0f}); first of all: {cold:.0f} ms"
    )
    print(f"the same again: {median(again):.0f} ms ({min(again):.0f} – {max(again):.0f})")


def main() -> None:
    """Bring the services up, measure, end them."""
    os.environ.setdefault("CACHE_TTL", "3600")
    from tests import services

    services.pytest_configure()
    try:
        os.environ["DJANGO_SETTINGS_MODULE"] = "nitro.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        asyncio.run(measure())
    finally:
        services.pytest_unconfigure()


if __name__ == "__main__":
    main()
