"""`nitro extras [NAME …]`: packages that Nitro can use and does not bring along, put into its virtual environment.

The names are those of `pyproject.toml`. The project itself is not installed by pip: no registry has it.
What the lock names stays as it is.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = re.compile(r"[A-Za-z0-9._-]+")


def extras(root: Path = ROOT) -> Mapping[str, Sequence[str]]:
    """The requirements of each extra."""
    with (root / "pyproject.toml").open("rb") as file:
        found: Mapping[str, Sequence[str]] = tomllib.load(file)["project"]["optional-dependencies"]
    return found


def pins(root: Path = ROOT) -> Iterator[str]:
    """What the lock names, as constraints; checksums would be asked of all others as well."""
    for line in (root / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            yield line.removesuffix("\\").rstrip()


def is_there(requirements: Sequence[str]) -> bool:
    """Whether all packages of an extra are installed."""
    try:
        return all(metadata.version(name[0]) for one in requirements if (name := PACKAGE.match(one)))
    except metadata.PackageNotFoundError:
        return False


def install(names: Sequence[str]) -> int:
    """Install some extras with pip, which shows what it does. Returns its exit status."""
    known = extras()
    wanted = [requirement for name in names for requirement in known[name]]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constraints:
        constraints.write("".join(f"{pin}\n" for pin in pins()))
        constraints.flush()
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
        return subprocess.run([*pip, "--constraint", constraints.name, *wanted], check=False).returncode


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line of `nitro extras`."""
    parser = argparse.ArgumentParser(
        prog="nitro extras", description="Install packages for engines and services that Nitro does not bring along."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; without any name, all are listed")
    given = parser.parse_args(words)
    if unknown := [name for name in given.names if name not in extras()]:
        parser.error(f"there is no extra {unknown[0]!r}; there are {', '.join(sorted(extras()))}")
    return given


def main(words: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    given = parse(sys.argv[1:] if words is None else words)
    if given.names:
        return install(given.names)
    for name, requirements in sorted(extras().items()):
        mark = "installed" if is_there(requirements) else "-"
        sys.stdout.write(f"{name:<14} {mark:<10} {', '.join(requirements)}\n")
    return 0
