#!/usr/bin/env bash
# Python xsdata: dataclasses generated from the contract, in an environment of its own.
. ../steps.sh
command -v python3 >/dev/null || missing "needs Python 3 with venv"
packages='xsdata[cli,soap]==26.10 ruff==0.17.6'
bin=$INTEROP_TARGET/venv/bin
if [ "$(cat "$INTEROP_TARGET/packages" 2>/dev/null)" != "$packages" ]; then
    # shellcheck disable=SC2086
    { python3 -m venv --clear "$INTEROP_TARGET/venv" && "$bin/pip" install --quiet --disable-pip-version-check $packages; } \
        >"$INTEROP_TARGET/pip.log" 2>&1 || missing "cannot install $packages from PyPI"
    echo "$packages" >"$INTEROP_TARGET/packages"
fi
fetch_contract "$INTEROP_TARGET/contract"
if ! is_built "$INTEROP_TARGET/contract" run.sh; then
    cd "$INTEROP_TARGET"
    rm -rf generated
    # The generator formats its code with ruff, which must be on the path.
    for service in consult test; do
        PATH=$bin:$PATH "$bin/xsdata" generate "contract/$service.wsdl" --package "generated.$service" \
            --structure-style single-package
    done >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
    cd "$here"
fi
PYTHONPATH=$INTEROP_TARGET "$bin/python" -B ask.py
