#!/usr/bin/env bash
# Python zeep with xmlsec, in an environment of its own.
. "$(dirname "$0")/../steps.sh"
command -v python3 >/dev/null || skip "needs Python 3"
python=$INTEROP_TARGET/venv/bin/python
[ -x "$python" ] || python3 -m venv "$INTEROP_TARGET/venv" >&2 || skip "needs Python 3 with venv"
# Both packages contain libxml2, and xmlsec refuses to start with another version of it than lxml has.
"$python" -c 'import zeep, xmlsec' 2>/dev/null \
    || "$python" -m pip install --quiet --disable-pip-version-check zeep==4.3.3 xmlsec==1.3.17 lxml==6.1.3 >&2 \
    || skip "cannot install zeep and xmlsec from PyPI"
"$python" -B "$here/sign.py"
