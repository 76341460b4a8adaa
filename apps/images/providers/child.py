"""A process of our own that draws: started for one picture, or kept warm. It never outlives whoever talks to it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from apps.images.errors import EngineError, EngineGarbled
from apps.images.providers import frames
from apps.images.providers.base import Report, Sketch

logger = logging.getLogger(__name__)
# Nothing of Nitro's settings and secrets; where programs, packages and models are.
KEPT = (
    "PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LANG", "OMP_NUM_THREADS", "HF_HOME", "HF_HUB_OFFLINE",
    "CUDA_VISIBLE_DEVICES", "XDG_CACHE_HOME",
)  # fmt: skip
LAST_WORDS = 2_000


class Child:
    """One process and the line to it. Its input closes when we die, and then it ends by itself."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.command = [sys.executable, "-m", module, *arguments]
        self.process: asyncio.subprocess.Process | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start it where it does not run."""
        if self.is_alive:
            return
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=_environment(),
            limit=frames.LONGEST_LINE,
            start_new_session=True,
        )

    async def draw(self, order: Mapping[str, Any], report: Report) -> bytes:
        """Give it an order and wait for the picture. Raises an `EngineError`; on any trouble the process is ended."""
        await self.start()
        assert self.process is not None  # noqa: S101  # started above
        assert self.process.stdin is not None  # noqa: S101  # and with pipes
        try:
            self.process.stdin.write(json.dumps(dict(order)).encode() + b"\n")
            await self.process.stdin.drain()
            return await self._picture(self.process, report)
        except (OSError, ValueError, asyncio.LimitOverrunError) as error:
            await self.end()
            raise EngineGarbled("The process that draws said something strange.") from error
        except BaseException:  # whatever it was, a cancellation too: what it would say next belongs to nobody
            await self.end()
            raise

    async def _picture(self, process: asyncio.subprocess.Process, report: Report) -> bytes:
        assert process.stdout is not None  # noqa: S101  # it has pipes
        while (heard := await frames.read(process.stdout)) is not None:
            facts, content = heard
            if "picture" in facts:
                return content
            if "error" in facts:
                raise EngineError(str(facts["error"])[:500], hint=str(facts.get("hint", ""))[:500])
            report(Sketch(float(facts.get("progress", 0)), content, str(facts.get("note", ""))))
        raise EngineError(f"The process that draws broke down. {await self._last_words(process)}".strip())

    async def _last_words(self, process: asyncio.subprocess.Process) -> str:
        assert process.stderr is not None  # noqa: S101  # it has pipes
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                said = await process.stderr.read(LAST_WORDS)
                logger.warning("A process that draws ended; LOG_LEVEL=DEBUG tells its last words.")
                logger.debug("It said: %s", said.decode("utf-8", "replace"))  # which may quote the prompt
        return "" if process.returncode is None or process.returncode > 0 else "It may have run out of memory."

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        # Shielded: whoever cancels us must not leave a process that nobody has waited for.
        await asyncio.shield(process.wait())


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "2"}
