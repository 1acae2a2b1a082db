#!/usr/bin/env bash
# Installs zeep into an environment of its own and runs the router. INTEROP_PYTHON may name an interpreter
# that has zeep already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/python-zeep}
python=${INTEROP_PYTHON:-}
if [ -z "$python" ]; then
    python=$target/venv/bin/python
    if ! cmp -s "$here/requirements.txt" "$target/requirements.txt"; then
        { python3 -m venv --clear "$target/venv" && "$python" -m pip install --quiet --disable-pip-version-check \
            --requirement "$here/requirements.txt"; } >&2 || { echo "needs Python 3 with venv, and zeep from PyPI" >&2; exit 77; }
        cp "$here/requirements.txt" "$target/requirements.txt"
    fi
fi
exec "$python" -B "$here/router.py" "$@"
