#!/usr/bin/env bash
# Installs the packages, generates the types from the contract, compiles the router and runs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/typescript}
# The contract: wsdl/ and schemas/ of the project, or a folder of `ehealth-attributes contract export`.
contract=${CONTRACT:-$here/../../wsdl/eHealthAttributesServiceV1.wsdl}
command -v npm >/dev/null || { echo "needs Node 20 or newer, with npm" >&2; exit 77; }
mkdir -p "$target"
if ! cmp -s "$here/package.json" "$target/package.json"; then
    cp "$here/package.json" "$target"
    (cd "$target" && npm install --silent --no-audit --no-fund --ignore-scripts) >&2 ||
        { rm "$target/package.json"; echo "cannot install the packages of package.json from npm" >&2; exit 77; }
fi
built=$(cat "$here"/* "$contract" "$(dirname "$contract")"/../schemas/*.xsd 2>/dev/null | sha256sum)
if [ "$(cat "$target/built" 2>/dev/null)" != "$built" ]; then
    cd "$target"
    rm -rf contract out
    {
        node_modules/.bin/wsdl-tsclient "$contract" -o generated
        mkdir contract
        # The folder and the client have the name of the WSDL's file.
        mv generated/*/ contract/consult
        rmdir generated
        # A day is text, not a Date (customDeserializer in router.ts).
        find contract -name '*.ts' -exec sed -i 's/: Date;/: string;/' {} +
        cp "$here/router.ts" "$here/tsconfig.json" .
        node_modules/.bin/tsc
    } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
fi
exec node "$target/out/router.js" "$@"
