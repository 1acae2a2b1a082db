#!/usr/bin/env bash
# C# with .NET and dotnet-svcutil, if installed: `dotnet tool install --global dotnet-svcutil`.
. ../steps.sh
command -v dotnet >/dev/null || missing "needs the .NET SDK, 8 or newer"
command -v dotnet-svcutil >/dev/null || missing "needs dotnet-svcutil: dotnet tool install --global dotnet-svcutil"
fetch_contract "$INTEROP_TARGET/contract"
if ! is_built "$INTEROP_TARGET/contract" Ask.cs ask.csproj run.sh; then
    cd "$INTEROP_TARGET"
    {
        cp "$here/Ask.cs" "$here/ask.csproj" .
        for file in consult test; do
            dotnet-svcutil "contract/$file.wsdl" --projectFile ask.csproj --outputDir "$file" --namespace "*,$file" \
                --serializer XmlSerializer --noLogo
        done
        dotnet build --nologo --output out ask.csproj
    } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
fi
pack_identities
printf 'VERSION\t.NET %s, dotnet-svcutil\n' "$(dotnet --version)"
dotnet "$INTEROP_TARGET/out/ask.dll"
