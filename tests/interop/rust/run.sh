#!/usr/bin/env bash
# Rust: the client of examples/rust, whose types xsd-parser generates from the contract.
. ../steps.sh
command -v cargo >/dev/null || missing "needs Rust 1.88 or newer, with cargo"
fetch_contract "$INTEROP_TARGET/contract"
# The build script reads files of the names that `contract export` writes.
mv "$INTEROP_TARGET/contract/consult.wsdl" "$INTEROP_TARGET/contract/eHealthAttributesServiceV1.wsdl"
mv "$INTEROP_TARGET/contract/test.wsdl" "$INTEROP_TARGET/contract/TestConnectionServiceV1.wsdl"
sources=(../../../examples/rust/{Cargo.toml,build.rs,soap.xsd,src/lib.rs} Cargo.toml Cargo.lock src/main.rs run.sh)
if ! is_built "$INTEROP_TARGET/contract" "${sources[@]}"; then
    CONTRACT=$INTEROP_TARGET/contract CARGO_TARGET_DIR=$INTEROP_TARGET/target cargo build --locked --quiet \
        >"$INTEROP_TARGET/build.log" 2>&1 || { tail -n 30 "$INTEROP_TARGET/build.log" >&2; exit 1; }
    echo "$built" >"$INTEROP_TARGET/built"
fi
INTEROP_VERSION=$(sed -n '/^name = "xsd-parser"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
export INTEROP_VERSION
"$INTEROP_TARGET/target/debug/ask"
