#!/usr/bin/env bash
# Builds the router with the .NET SDK and runs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/dotnet}
command -v dotnet >/dev/null || { echo "needs the .NET SDK, 10 or newer" >&2; exit 77; }
mkdir -p "$target"
# The build writes beside the project file.
cp "$here"/*.cs "$here/router.csproj" "$target"
(cd "$target" && dotnet build --nologo --output out router.csproj) >"$target/build.log" 2>&1 ||
    { tail -n 30 "$target/build.log" >&2; exit 1; }
exec dotnet "$target/out/router.dll" "$@"
