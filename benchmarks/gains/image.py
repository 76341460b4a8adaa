"""The container image: in two steps, so that what built it stays behind, against all in one."""

from __future__ import annotations

import shutil
import subprocess

from benchmarks.gains.scenario import Facts, Pair, Probe, Scenario, Skipped
from benchmarks.gains.stage import Stage

WHOLE, LEAN = "nitro:build", "nitro:latest"
HOW = f"Make them with `docker build --target build -t {WHOLE} .` and `docker build -t {LEAN} .`."
SECONDS = 20.0


def engine() -> str:
    """The program of a container engine. Raises `Skipped` where there is none."""
    for name in ("docker", "podman"):
        if found := shutil.which(name):
            return found
    raise Skipped("There is no container engine (docker or podman) on this machine.")


def size(program: str, image: str) -> float:
    """Megabytes of an image. Raises `Skipped` where the engine does not have it."""
    argv = [program, "image", "inspect", "--format", "{{.Size}}", image]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise Skipped(f"{program} does not answer or has no image {image}. {HOW}") from error
    return int(done.stdout.strip()) / 1e6


def images(stage: Stage) -> Pair:
    """The image of the first step, and the one that is shipped."""
    program = engine()

    def probe(image: str) -> Probe:
        facts: Facts = {"image": image}
        size(program, image)
        return Probe(lambda: size(program, image), lambda: facts)

    return Pair(probe(WHOLE), probe(LEAN))


SCENARIOS = (
    Scenario(
        name="docker-image",
        title="The container image",
        switched="Whether what is only needed for building stays in the image.",
        baseline="one step",
        optimised="two steps",
        unit="MB",
        open=images,
        guide="50 % smaller",
        groups=("network",),
        pairs=3,
        warm_up=0,
    ),
)
