#!/bin/sh
# Works out both lock files: hashes of every wheel, no registry's address.
set -eu
spare=$(mktemp -d)
trap 'rm -rf "$spare"' EXIT
if ! command -v uv >/dev/null 2>&1; then
    python3 -m venv "$spare"
    "$spare/bin/python" -m pip install --quiet --disable-pip-version-check uv
    PATH="$spare/bin:$PATH"
fi
set -- --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header
uv pip compile "$@" pyproject.toml -o requirements.lock
uv pip compile "$@" --group dev -c requirements.lock -o requirements-dev.lock
