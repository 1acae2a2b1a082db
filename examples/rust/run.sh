#!/usr/bin/env bash
# Builds the client, with its types generated from the contract, and runs the router.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/rust}
command -v cargo >/dev/null || { echo "needs Rust 1.88 or newer, with cargo" >&2; exit 77; }
mkdir -p "$target"
(cd "$here" && CARGO_TARGET_DIR=$target cargo build --locked --quiet) >"$target/build.log" 2>&1 ||
    { tail -n 30 "$target/build.log" >&2; exit 1; }
exec "$target/debug/router" "$@"
