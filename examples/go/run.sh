#!/usr/bin/env bash
# Builds the router and runs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/go}
command -v go >/dev/null || { echo "needs Go 1.24 or newer" >&2; exit 77; }
mkdir -p "$target"
# GOTOOLCHAIN=local: an older Go fails instead of downloading another one.
(cd "$here" && GOTOOLCHAIN=local go build -o "$target/router" ./cmd/router) >&2
exec "$target/router" "$@"
