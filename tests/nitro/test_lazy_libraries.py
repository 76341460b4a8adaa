"""A web process starts without the client libraries of models: they take seconds to import and are often never used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("ollama", "google.generativeai", "google.ai", "google.api_core", "grpc", "httpx", "xllamacpp")
LOAD = """
import sys
from nitro.asgi import application
from apps.llm.registry import BUILDERS, build
from apps.llm.router import router
for kind in BUILDERS:
    build(kind, router().settings)
router().resolve()
print(*sys.modules)
"""


def test_a_web_process_loads_no_client_library() -> None:
    keys = {
        "NITRO_ROLE": "web",
        "GEMINI_API_KEY": "AIza-1",
        "OPENAI_BASE_URL": "http://127.0.0.1:9",
        "LOG_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, env={**os.environ, **keys}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(done.stdout.split())
    assert "apps.llm.providers.ollama" in loaded
    assert not {name for name in loaded if name.startswith(HEAVY)}
