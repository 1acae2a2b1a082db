#!/usr/bin/env bash
# Go with goxmldsig and etree.
. "$(dirname "$0")/../steps.sh"
command -v go >/dev/null || skip "needs Go 1.24 or newer"
export GOTOOLCHAIN=local
(cd "$here" && go mod download) >&2 || skip "cannot get goxmldsig and etree from the Go module proxy"
(cd "$here" && go build -o "$INTEROP_TARGET/sign" .) >&2
"$INTEROP_TARGET/sign"
