"""Compression of a page: its bytes, and its time on this machine and on a slow line."""

from __future__ import annotations

from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario
from benchmarks.gains.stage import Stage
from benchmarks.gains.talking import Answer, Client

MESSAGES = 50
LINE = 1_250_000  # bytes per second of a line of 10 Mbit/s
NAMES = {"": "none", "gzip": "gzip", "br": "brotli"}
GUIDE = "60-80 % smaller"


def scenario(coding: str, *, timed: bool) -> Scenario:
    """A page with this coding and without any."""

    def opening(stage: Stage) -> Pair:
        who = stage.visitor(stage.plain(), MESSAGES)
        path = f"/c/{stage.seat(MESSAGES).conversation}/"
        return Pair(probe(who, path, "", timed=timed), probe(who, path, coding, timed=timed))

    name = NAMES[coding]
    what = "until it has come over 10 Mbit/s" if timed else "its size"
    return Scenario(
        name=f"{name}-time" if timed else f"{name}-bytes",
        title=f"A page of {MESSAGES} messages, {name}, {what}",
        switched="What the browser says that it can read (Accept-Encoding)"
        + ("; the line's time is added by calculation." if timed else "."),
        baseline="none",
        optimised=name,
        unit="ms" if timed else "kB",
        open=opening,
        guide="" if timed else GUIDE,
        groups=("network",),
        pairs=20 if timed else 8,
        seconds=20,
    )


def probe(who: Client, path: str, coding: str, *, timed: bool) -> Probe:
    """Load the page. The proof is what the server says about its encoding."""

    def load() -> Answer:
        answer = who.get(path, Accept_Encoding=coding or "identity")
        assert answer.status == 200, answer.status
        return answer

    def sample() -> float:
        answer = load()
        return (answer.seconds + len(answer.body) / LINE) * 1000 if timed else len(answer.body) / 1000

    def proof() -> Facts:
        answer = load()
        return {"content_encoding": answer.headers.get("content-encoding", "none"), "bytes": len(answer.body)}

    return Probe(sample, proof)


SCENARIOS = (
    scenario("gzip", timed=False),
    scenario("br", timed=False),
    scenario("gzip", timed=True),
    scenario("br", timed=True),
)
