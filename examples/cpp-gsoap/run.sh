#!/usr/bin/env bash
# Generates the classes, builds the router and runs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/cpp-gsoap}
for tool in cmake wsdl2h soapcpp2 g++; do
    command -v "$tool" >/dev/null || { echo "needs cmake, gsoap, libgsoap-dev, libssl-dev and g++ (Debian)" >&2; exit 77; }
done
mkdir -p "$target"
{ cmake -S "$here" -B "$target" -DCMAKE_BUILD_TYPE=Release && cmake --build "$target"; } >"$target/build.log" 2>&1 ||
    { tail -n 30 "$target/build.log" >&2; exit 1; }
exec "$target/router" "$@"
