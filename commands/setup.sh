#!/bin/sh
# setup.sh VENV LOCK: make the venv if need be and install a lock file into it; instant if that very file is installed.
set -eu
venv=$1 lock=$2
python=${PYTHON:-python3}
stamp=$venv/installed-$lock

if [ -x "$venv/bin/python" ] && cmp -s "$lock" "$stamp" && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

if ! command -v "$python" >/dev/null 2>&1; then
    echo "setup: $python is not found. Install Python 3.11 or newer, or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "setup: $python is $("$python" -V 2>&1), and Handrail needs 3.11 or newer." >&2
    echo "       Name a newer one: make setup PYTHON=python3.12" >&2
    exit 1
fi
# A venv whose Python is gone (upgraded, moved) or that was never finished is made again over the old one.
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "==> Making $venv with $("$python" -V 2>&1)"
    if ! "$python" -m venv --clear "$venv"; then
        echo "setup: the venv could not be made. On Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
echo "==> Installing $(grep -c '==' "$lock") packages of $lock"
if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input -r "$lock"; then
    echo "setup: pip could not install $lock; what it says above is why. Run 'make setup' again once that is mended." >&2
    exit 1
fi
cp "$lock" "$stamp"
echo "==> $lock is installed"
