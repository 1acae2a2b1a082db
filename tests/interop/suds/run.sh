#!/usr/bin/env bash
# Python suds-community, in an environment of its own.
. ../steps.sh
python=$INTEROP_TARGET/venv/bin/python
[ -x "$python" ] || python3 -m venv "$INTEROP_TARGET/venv" || missing "needs Python 3 with venv"
"$python" -c 'import suds' 2>/dev/null \
    || "$python" -m pip install --quiet --disable-pip-version-check suds-community==1.2.0 >&2 \
    || missing "cannot install suds-community from PyPI"
"$python" -B ask.py
