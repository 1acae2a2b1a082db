#!/usr/bin/env bash
# C# with .NET and SignedXml.
. "$(dirname "$0")/../steps.sh"
command -v dotnet >/dev/null || skip "dotnet is not installed"
[ "$SIGNING_KIND" = rsa ] || skip "SignedXml of .NET signs with RSA only"
sources=$(cat "$here"/*.cs "$here"/*.csproj | sha256sum)
if [ "$(cat "$INTEROP_TARGET/built" 2>/dev/null)" != "$sources" ]; then
    cp "$here"/*.cs "$here"/*.csproj "$INTEROP_TARGET"
    dotnet build --nologo --output "$INTEROP_TARGET/out" "$INTEROP_TARGET/sign.csproj" >"$INTEROP_TARGET/build.log" 2>&1 \
        || { tail -n 30 "$INTEROP_TARGET/build.log" >&2; exit 1; }
    echo "$sources" >"$INTEROP_TARGET/built"
fi
dotnet "$INTEROP_TARGET/out/sign.dll"
