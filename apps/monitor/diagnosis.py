"""What `nitro doctor` says of the worker and the beat."""

from __future__ import annotations

import time

from apps.core.diagnosis import Finding
from apps.monitor import canary, readings
from apps.monitor.readings import Reading

LATE_SECONDS = 3 * canary.EVERY_SECONDS
STARTING_SECONDS = 90.0
LOG = "Look at the log of `worker`; starting it again is harmless: `nitro worker`."


def examine() -> list[Finding]:
    """A line for each; they are needed where Nitro runs, since pictures, recordings and cleanups wait for them."""
    reading = readings.reading()
    if not reading.redis:
        hint = "See the line of redis."
        return [Finding("worker", False, False, "Without Redis nobody hears of the worker.", hint)]
    return [worker(reading), beat(reading)]


def is_starting(reading: Reading) -> bool:
    """Whether even the oldest page process is so young that the worker need not be there yet."""
    started = [float(process["started"]) for process in reading.of_role("web")]
    return bool(started) and time.time() - min(started) < STARTING_SECONDS


def worker(reading: Reading) -> Finding:
    found, runs = reading.of_role("worker"), bool(reading.of_role("web"))
    if not found and is_starting(reading):
        return Finding("worker", False, False, "The worker is still starting.", "Look again in a minute.")
    if not found:
        message = "No worker runs." if runs else "No worker runs, and neither does a page."
        return Finding("worker", False, runs, message, "Start Nitro with `make up`, or a worker with `nitro worker`.")
    queued = sum(reading.stores.queued.values())
    waiting = f"; {queued} messages wait" if queued else ""
    run = "1 worker runs" if len(found) == 1 else f"{len(found)} workers run"
    return Finding("worker", True, True, f"{run}{waiting}.")


def beat(reading: Reading) -> Finding:
    """Its tasks come to the worker and are done: nothing else shows that both live."""
    silence, runs = reading.worker_silence, bool(reading.of_role("worker"))
    if silence is not None and silence <= LATE_SECONDS:
        return Finding("beat", True, True, f"What is due by the clock is done; the last time {silence:.0f} s ago.")
    if silence is None and is_starting(reading):
        return Finding("beat", False, False, "Nothing was due by the clock so far.", "Look again in a minute.")
    since = f"for {silence:.0f} s" if silence is not None else "yet"
    return Finding("beat", False, runs, f"Nothing that is due by the clock was done {since}.", LOG)
