#!/usr/bin/env bash
# Generates the classes with wsimport, compiles the router if a file is newer than the last build, and runs it:
# run.sh SSIN... Needs Debian's package jaxws; elsewhere, set `libraries` to the class path of your JAX-WS.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/java-jaxws}
mkdir -p "$target"
target=$(cd "$target" && pwd)
libraries='/usr/share/jaxws/lib/*:/usr/share/java/*'

{ command -v wsimport && command -v javac; } >/dev/null || {
    echo "router: needs Debian's packages jaxws and openjdk-17-jdk-headless" >&2
    exit 77
}
# In your project: the folder that `ehealth-attributes contract export` writes.
contract=$here/../../wsdl
newer=$(find "$here" "$contract" "$contract/../schemas" -type f -newer "$target/built" -print -quit 2>/dev/null || echo all)
if [ -n "$newer" ]; then
    rm -rf "$target/classes"
    mkdir "$target/classes"
    {
        # client.jar has the generated classes, and the WSDL that they read at run time.
        wsimport -quiet -d "$target" -clientjar client.jar "$contract/eHealthAttributesServiceV1.wsdl"
        javac -nowarn -cp "$target/client.jar:$libraries" -d "$target/classes" "$here"/router/*.java
    } >"$target/build.log" 2>&1 || {
        tail -n 30 "$target/build.log" >&2
        exit 1
    }
    touch "$target/built"
fi
# Most of a short run is its start. This SAAJ logs a warning about its own name at each start.
exec java -XX:TieredStopAtLevel=1 -cp "$target/classes:$target/client.jar:$libraries" router.Router "$@"
