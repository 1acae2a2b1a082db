#!/usr/bin/env bash
# C# with WCF on .NET: the service contract of examples/dotnet.
. ../steps.sh
command -v dotnet >/dev/null || missing "needs the .NET SDK, 10 or newer"
(
    cd "$INTEROP_TARGET"
    cp "$here"/*.cs "$here/../../../examples/dotnet/Contract.cs" "$here/ask.csproj" .
    dotnet build --nologo --output out ask.csproj >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
)
pack_identities
printf 'VERSION\t.NET %s, WCF 10.1.0\n' "$(dotnet --version)"
dotnet "$INTEROP_TARGET/out/ask.dll"
