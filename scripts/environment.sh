#!/bin/sh
# Makes the virtual environment with a Python that all wheels exist for (3.11 or 3.12), bringing one where needed.
#   environment.sh FOLDER          make it
#   environment.sh --link FOLDER   put this checkout on its path, and the command `nitro` in it
set -eu

say() { printf '==> %s\n' "$*"; }
fail() { printf 'nitro: %s\n' "$*" >&2; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }

choose() {
    for candidate in "${PYTHON:-python3}" python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 && fits "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
}

make_plain() {
    say "making $2 with $("$1" --version)"
    "$1" -m venv "$2" || fail "Python's venv is missing. On Debian and Ubuntu: apt install python3-venv"
}

# uv, in a folder that is thrown away afterwards, brings a Python of its own.
make_with_uv() {
    brought="${XDG_DATA_HOME:-$HOME/.local/share}/nitro-python"
    if command -v uv >/dev/null 2>&1; then
        uv=uv
    else
        spare=$(mktemp -d)
        trap 'rm -rf "$spare"' EXIT
        "$1" -m venv "$spare" || fail "Python's venv is missing. On Debian and Ubuntu: apt install python3-venv"
        "$spare/bin/python" -m pip install --quiet --disable-pip-version-check uv ||
            fail "uv could not be installed. Install Python 3.12, or uv, and run make again."
        uv="$spare/bin/uv"
    fi
    say "making $2 with a Python 3.12 that uv brings"
    UV_PYTHON_INSTALL_DIR="$brought" "$uv" venv --quiet --seed --python 3.12 "$2" ||
        fail "uv could not bring Python 3.12. Install Python 3.11 or 3.12 and run make again."
}

link() {
    here=$(pwd)
    packages=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$here" >"$packages/nitro-checkout.pth"
    printf '#!%s/bin/python\nfrom nitro.__main__ import main\n\nmain()\n' "$here/$1" >"$1/bin/nitro"
    chmod +x "$1/bin/nitro"
}

if [ "$1" = "--link" ]; then
    link "$2"
    exit
fi

[ "$(uname -s)" = Linux ] || fail "Nitro runs on Linux; elsewhere use the Dockerfile."
any=$(command -v "${PYTHON:-python3}" || true)
[ -n "$any" ] || fail "Python is missing. Install Python 3.11 or 3.12. On Debian and Ubuntu: apt install python3-venv"
python=$(choose)

if [ -n "$python" ]; then
    make_plain "$python" "$1"
elif "$any" -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then
    make_with_uv "$any" "$1"
else
    fail "$("$any" --version) is too old. Install Python 3.11 or 3.12, or run make with PYTHON=/path/to/python3.12."
fi
