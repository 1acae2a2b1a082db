#!/usr/bin/env bash
# Installs the packages and runs the router.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/node}
command -v npm >/dev/null || { echo "needs Node 20 or newer, with npm" >&2; exit 77; }
mkdir -p "$target"
if ! cmp -s "$here/package.json" "$target/package.json"; then
    cp "$here/package.json" "$target/.package.json"
    (cd "$target" && mv .package.json package.json && npm install --silent --no-audit --no-fund --ignore-scripts) >&2 ||
        { rm "$target/package.json"; echo "cannot install the packages of package.json from npm" >&2; exit 77; }
fi
# Node looks for packages beside the file.
cp "$here/router.js" "$target"
exec node "$target/router.js" "$@"
