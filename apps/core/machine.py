"""What this machine is made of: cores, memory and graphics cards, as far as this process may use them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from pathlib import Path

import psutil

GPU_SECONDS = 3.0
NVIDIA = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
MIB = 1024**2
ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card that models can run on; `memory` in bytes, 0 where nobody tells."""

    name: str
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Machine:
    """Sizes in bytes. `available` is what could be taken now without pushing anything else out."""

    cores: int
    memory: int
    available: int
    gpus: tuple[Gpu, ...] = ()
    limits: tuple[str, ...] = field(default=())

    @property
    def gpu_memory(self) -> int:
        """The memory of all cards together."""
        return sum(gpu.memory for gpu in self.gpus)


@dataclass(frozen=True, slots=True)
class Share:
    """What a container was given: cores, memory and the memory it has used; 0 stands for no limit."""

    cores: int = 0
    memory: int = 0
    used: int = 0


def machine() -> Machine:
    """Look at this machine; cheap but for the first look at its graphics cards, which may take a second."""
    seen = psutil.virtual_memory()
    everything = psutil.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else everything  # not on macOS
    share = container_share()
    cores = min(allowed, share.cores or allowed)
    memory = min(seen.total, share.memory or seen.total)
    left = max(0, memory - share.used) if memory < seen.total else seen.available
    limits = []
    if cores < everything:
        limits.append(f"{cores} of {everything} cores may be used here")
    if memory < seen.total:
        limits.append(f"a limit allows {in_words(memory)} of the {in_words(seen.total)} of memory")
    return Machine(cores, memory, min(seen.available, left), graphics(), tuple(limits))


def in_words(size: float) -> str:
    """A size as people read it: "2.0 GB", "93 MB", "4 kB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= 0.9995 * factor:
            return f"{size / factor:.1f} {unit}" if unit == "GB" else f"{size / factor:.0f} {unit}"
    return f"{size / 1e3:.0f} kB"


# --- containers ------------------------------------------------------------------------------------------------------


def container_share(root: Path = ROOT) -> Share:
    """The smallest limits of the control groups that this process is in, versions 1 and 2."""
    cores = memory = used = 0
    for folder in _groups(root, "cpu", "cpuacct"):
        cores = _smaller(cores, _quota(folder))
    for folder in _groups(root, "memory"):
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        if limit and _smaller(memory, limit) == limit:
            memory, used = limit, _used(folder)
    return Share(cores, memory, used)


def _smaller(known: int, other: int) -> int:
    return min(known or other, other or known)


def _groups(root: Path, *controllers: str) -> Iterator[Path]:
    """The folders of the process's groups and of those around them, for version 2 and for these controllers."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names and not set(names.split(",")) & set(controllers):
            continue
        base = root / "sys/fs/cgroup" / names
        inner = base / path.strip("/")
        yield from (folder for folder in (inner, *inner.parents) if folder == base or base in folder.parents)


def _quota(folder: Path) -> int:
    """How many cores a group may keep busy, rounded up."""
    words = _text(folder / "cpu.max").split()
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
        return ceil(int(words[0]) / int(words[1]))
    quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return ceil(quota / period) if quota and period else 0


def _used(folder: Path) -> int:
    """What a group has used, without the file cache that the kernel gives back when it is needed."""
    used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes")
    lines = (line.split() for line in _text(folder / "memory.stat").splitlines())
    stats = {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}
    return max(0, used - (stats.get("total_inactive_file") or stats.get("inactive_file", 0)))


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


# --- graphics cards --------------------------------------------------------------------------------------------------


@cache
def graphics() -> tuple[Gpu, ...]:
    """The cards, asked once in a process and without loading any driver into it."""
    if platform.system() == "Darwin":
        return ()
    return tuple(_nvidia()) or tuple(_amd())


def _nvidia() -> Iterator[Gpu]:
    program = shutil.which(NVIDIA[0])
    if program is None:
        return
    try:
        done = subprocess.run([program, *NVIDIA[1:]], capture_output=True, text=True, timeout=GPU_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return
    for line in done.stdout.splitlines():
        name, _, memory = line.rpartition(",")
        if name.strip():
            yield Gpu(name.strip(), int(memory) * MIB if memory.strip().isdigit() else 0)


def _amd(root: Path = ROOT) -> Iterator[Gpu]:
    if not (root / "dev/kfd").exists():
        return
    for path in sorted((root / "sys/class/drm").glob("card*/device/mem_info_vram_total")):
        if memory := _number(path):
            yield Gpu("AMD graphics card", memory)
