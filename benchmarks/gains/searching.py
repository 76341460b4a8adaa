"""Search: a question to pages that nobody has read yet, against one that was just asked."""

from __future__ import annotations

import uuid

from benchmarks.gains.little_web import PAGES, little_web
from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario
from benchmarks.gains.stage import Stage
from benchmarks.gains.talking import Client, program

SEARCH = "/api/search/"
KNOWN = "When was the bridge of Tarrow opened?"


class Asked:
    """One side, and what its answers said of themselves."""

    def __init__(self, client: Client, *, fresh: bool) -> None:
        self.client, self.fresh = client, fresh
        self.cached: set[bool] = set()
        self.read: set[int] = set()

    def sample(self) -> float:
        """Milliseconds from a question to its passages; no model is asked."""
        query = f"{KNOWN} {uuid.uuid4().hex[:8]}" if self.fresh else KNOWN
        answer = self.client.post(SEARCH, {"query": query})
        told = answer.json()
        self.cached.add(told["cached"])
        self.read.add(sum(source["state"] == "read" for source in told["sources"]))
        return answer.seconds * 1000

    def proof(self) -> Facts:
        """Whether it came from the cache, and how many pages were read."""
        return {"cached": sorted(self.cached), "pages_read": sorted(self.read)}


def searching(stage: Stage) -> Pair:
    """The same installation answers both."""
    web = stage.enter(little_web())
    house = stage.web(web.settings)
    client = stage.enter(program(house.port, stage.key()))
    fresh, known = Asked(client, fresh=True), Asked(client, fresh=False)
    client.post(SEARCH, {"query": KNOWN})
    return Pair(Probe(fresh.sample, fresh.proof), Probe(known.sample, known.proof))


SCENARIOS = (
    Scenario(
        name="search-cached",
        title=f"Web search: {PAGES} pages of 200 kB that answer after 0.3 s, question to passages",
        switched="Whether the same question was searched within the hour.",
        baseline="fresh",
        optimised="cached",
        unit="ms",
        open=searching,
        guide="fresh 8–12 s, cached 2–4 s with the model's answer (65 % faster); < 10 s",
        groups=("search",),
        pairs=8,
    ),
)
