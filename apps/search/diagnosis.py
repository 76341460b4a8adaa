"""What `nitro doctor` says of web search: who is asked, in which order, and what stands in their way."""

from __future__ import annotations

from django.conf import settings

from apps.core.diagnosis import Finding
from apps.core.outside.knocking import knock
from apps.search.models import ENGINES
from apps.search.registry import LIBRARY, engines

CHECK = "search"
NEEDS = {"searxng": "SEARXNG_URL", "brave": "BRAVE_API_KEY", "gemini": "GEMINI_API_KEY"}
FORMAT = "Add `json` to `search.formats` in its settings.yml, and start it again."


def examine() -> list[Finding]:
    """A line for the engines together, and one for a SearXNG with something in its way. Asks nobody a question."""
    wanted = settings.SEARCH_ENGINE
    kinds = [engine.kind for engine in engines()]
    if not kinds and wanted != LIBRARY:
        said = f"SEARCH_ENGINE is {wanted}, and {NEEDS[wanted]} is not set: only your own library is searched."
        return [Finding(CHECK, False, False, said, f"Set {NEEDS[wanted]}, or SEARCH_ENGINE=auto.")]
    who = ", then ".join(ENGINES.get(kind, kind) for kind in [*kinds, LIBRARY])
    return [Finding(CHECK, True, False, f"Web search asks {who}."), *(_searxng() if "searxng" in kinds else [])]


def _searxng() -> list[Finding]:
    """Without a question it answers 400, and 403 where it does not speak JSON; nobody else is asked by that."""
    answer = knock(f"{settings.SEARXNG_URL.rstrip('/')}/search?format=json")
    if not answer.status:
        hint = "Look whether it runs, and at SEARXNG_URL."
        return [Finding(CHECK, False, False, f"SearXNG does not answer: {answer.problem}.", hint)]
    if answer.is_refusal:
        return [Finding(CHECK, False, False, "SearXNG does not let programs search.", FORMAT)]
    return []
