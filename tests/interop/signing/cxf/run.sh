#!/usr/bin/env bash
# Java with Apache CXF 4 and WSS4J, from Maven Central.
. "$(dirname "$0")/../steps.sh"
command -v javac >/dev/null || skip "needs a JDK, 17 or newer (Debian: openjdk-17-jdk-headless)"
command -v mvn >/dev/null || skip "needs Maven"
if ! cmp -s "$here/pom.xml" "$INTEROP_TARGET/pom.xml"; then
    mvn --batch-mode --quiet -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$INTEROP_TARGET/lib" \
        >"$INTEROP_TARGET/maven.log" 2>&1 || skip "cannot get the libraries of CXF from Maven Central"
    cp "$here/pom.xml" "$INTEROP_TARGET/pom.xml"
fi
if ! cmp -s "$here/Sign.java" "$INTEROP_TARGET/Sign.java"; then
    javac -nowarn -cp "$INTEROP_TARGET/lib/*" -d "$INTEROP_TARGET/classes" "$here/Sign.java" >&2
    cp "$here/Sign.java" "$INTEROP_TARGET/Sign.java"
fi
SIGNING_STORES=$(mktemp -d)
trap 'rm -rf "$SIGNING_STORES"' EXIT
export SIGNING_STORES
# Java reads PKCS#12.
pack() { openssl pkcs12 -export -in "$2" -inkey "$3" -name identity -out "$SIGNING_STORES/$1.p12" -passout pass:changeit; }
pack sign "$SIGNING_SIGN_CERT" "$SIGNING_SIGN_KEY"
[ "$SIGNING_URL" = - ] || pack tls "$SIGNING_CERT" "$SIGNING_KEY"
java -XX:TieredStopAtLevel=1 -cp "$INTEROP_TARGET/classes:$INTEROP_TARGET/lib/*" Sign
