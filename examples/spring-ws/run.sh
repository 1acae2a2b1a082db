#!/usr/bin/env bash
# Builds the router with Maven if a file is newer than the last build, and runs it: run.sh SSIN...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${EXAMPLES_TARGET:-$here/../../target/examples/spring-ws}
mkdir -p "$target"
target=$(cd "$target" && pwd)

missing() {
    echo "router: $*" >&2
    exit 77
}

command -v javac >/dev/null || missing "needs a JDK, 17 or newer (Debian: openjdk-17-jdk-headless)"
command -v mvn >/dev/null || missing "needs Maven (Debian: maven)"
newer=$(find "$here" "$here/../../wsdl" "$here/../../schemas" -type f -newer "$target/router.jar" -print -quit 2>/dev/null || echo all)
if [ -n "$newer" ]; then
    mvn --batch-mode --quiet -f "$here/pom.xml" "-Dtarget=$target" clean package >"$target.log" 2>&1 || {
        grep -qE 'Could not (resolve|transfer|find artifact)|PluginResolution' "$target.log" &&
            missing "cannot get the libraries of pom.xml from Maven Central: $target.log"
        tail -n 30 "$target.log" >&2
        exit 1
    }
fi
# Most of a short run is its start.
exec java -XX:TieredStopAtLevel=1 -jar "$target/router.jar" "$@"
