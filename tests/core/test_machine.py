"""What there is of cores and memory, and what a container leaves of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from apps.core import machine as module
from apps.core.machine import Gpu, Share, container_share, graphics, in_words, machine


@pytest.fixture(autouse=True)
def forget_the_cards() -> Iterator[None]:
    graphics.cache_clear()
    yield
    graphics.cache_clear()


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return root


def test_the_machine_is_seen() -> None:
    seen = machine()
    assert 1 <= seen.cores <= len(os.sched_getaffinity(0))
    assert 0 < seen.available <= seen.memory <= psutil.virtual_memory().total


def test_a_machine_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert container_share(tmp_path) == Share()


def test_the_limits_of_version_2_are_those_of_the_group_and_all_around_it(tmp_path: Path) -> None:
    write(tmp_path, proc__self__cgroup="0::/outer/inner\n")
    outer, inner = tmp_path / "sys/fs/cgroup/outer", tmp_path / "sys/fs/cgroup/outer/inner"
    inner.mkdir(parents=True)
    (inner / "cpu.max").write_text("max 100000\n", encoding="ascii")
    (outer / "cpu.max").write_text("150000 100000\n", encoding="ascii")
    (inner / "memory.max").write_text("max\n", encoding="ascii")
    (outer / "memory.max").write_text("4294967296\n", encoding="ascii")
    (outer / "memory.current").write_text("1000\n", encoding="ascii")
    (outer / "memory.stat").write_text("anon 600\ninactive_file 400\n", encoding="ascii")
    assert container_share(tmp_path) == Share(cores=2, memory=2**32, used=600)


def test_the_limits_of_version_1_are_read_too(tmp_path: Path) -> None:
    write(tmp_path, proc__self__cgroup="4:memory:/box\n3:cpu,cpuacct:/box\n2:pids:/box\n")
    cpu, memory = tmp_path / "sys/fs/cgroup/cpu,cpuacct/box", tmp_path / "sys/fs/cgroup/memory/box"
    cpu.mkdir(parents=True)
    memory.mkdir(parents=True)
    (cpu / "cpu.cfs_quota_us").write_text("400000\n", encoding="ascii")
    (cpu / "cpu.cfs_period_us").write_text("100000\n", encoding="ascii")
    (memory / "memory.limit_in_bytes").write_text("2147483648\n", encoding="ascii")
    (memory / "memory.usage_in_bytes").write_text("500\n", encoding="ascii")
    (memory / "memory.stat").write_text("total_inactive_file 100\n", encoding="ascii")
    assert container_share(tmp_path) == Share(cores=4, memory=2**31, used=400)


def test_a_container_is_taken_for_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "container_share", lambda: Share(cores=1, memory=2**28, used=2**27))
    seen = machine()
    assert (seen.cores, seen.memory) == (1, 2**28)
    assert seen.available <= 2**27
    assert any("of memory" in limit for limit in seen.limits)


def program(folder: Path, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_cards_of_nvidia_are_those_that_its_own_program_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "echo 'NVIDIA H100, 80GB, 81559'; echo 'Old one, [N/A]'")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert graphics() == (Gpu("NVIDIA H100, 80GB", 81559 * 2**20), Gpu("Old one"))


def test_a_driver_that_fails_is_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "echo 'NVIDIA-SMI has failed'; exit 9")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert graphics() == ()


def test_cards_of_amd_are_found_without_a_program(tmp_path: Path) -> None:
    write(tmp_path, dev__kfd="", sys__class__drm__card0__device__mem_info_vram_total="17163091968\n")
    assert list(module._amd(tmp_path)) == [Gpu("AMD graphics card", 17163091968)]


def test_without_its_device_no_card_of_amd_is_believed(tmp_path: Path) -> None:
    write(tmp_path, sys__class__drm__card0__device__mem_info_vram_total="17163091968\n")
    assert list(module._amd(tmp_path)) == []


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 kB"), (4000, "4 kB"), (93_000_000, "93 MB"), (999_900_000, "1.0 GB"), (2_180_000_000, "2.2 GB")],
)
def test_sizes_are_said_as_people_read_them(size: int, words: str) -> None:
    assert in_words(size) == words
