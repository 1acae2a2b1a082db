#!/usr/bin/env bash
# Go with the standard library alone: the package of examples/go, whose own test reads every stored answer.
. ../steps.sh
command -v go >/dev/null || missing "needs Go 1.24 or newer"
export GOTOOLCHAIN=local
{
    (cd ../../../examples/go && go vet ./... && go test ./...)
    go build -o "$INTEROP_TARGET/ask" .
} >"$INTEROP_TARGET/build.log" 2>&1 || { tail -n 30 "$INTEROP_TARGET/build.log" >&2; exit 1; }
"$INTEROP_TARGET/ask"
