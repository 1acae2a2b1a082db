#!/usr/bin/env bash
# Installs xsdata into an environment of its own, generates the dataclasses from the contract and runs the router.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/python-xsdata}
# The contract: wsdl/ and schemas/ of the project, or a folder of `ehealth-attributes contract export`.
contract=${CONTRACT:-$here/../../wsdl/eHealthAttributesServiceV1.wsdl}
bin=$target/venv/bin
mkdir -p "$target"
if ! cmp -s "$here/requirements.txt" "$target/requirements.txt"; then
    { python3 -m venv --clear "$target/venv" && "$bin/pip" install --quiet --disable-pip-version-check \
        --requirement "$here/requirements.txt"; } >&2 || { echo "needs Python 3 with venv, and xsdata from PyPI" >&2; exit 77; }
    cp "$here/requirements.txt" "$target/requirements.txt"
fi
built=$(cat "$here/run.sh" "$contract" "$(dirname "$contract")"/../schemas/*.xsd 2>/dev/null | sha256sum)
if [ "$(cat "$target/built" 2>/dev/null)" != "$built" ]; then
    rm -rf "$target/generated"
    mkdir "$target/generated"
    # The generator formats its code with ruff, which must be on the path.
    (cd "$target/generated" && PATH=$bin:$PATH xsdata generate "$contract" --package contract \
        --structure-style single-package) >"$target/build.log" 2>&1 || { tail -n 30 "$target/build.log" >&2; exit 1; }
    echo "$built" >"$target/built"
fi
PYTHONPATH=$target/generated exec "$bin/python" -B "$here/router.py" "$@"
