#!/usr/bin/env bash
# Java with the JAX-WS reference implementation of Debian: wsimport, built once for each contract.
. ../steps.sh
{ command -v wsimport && command -v javac; } >/dev/null || need_debian jaxws openjdk-17-jdk-headless
fetch_contract "$INTEROP_TARGET/contract"
libraries='/usr/share/jaxws/lib/*:/usr/share/java/*'
build_java "$libraries" wsimport -Xnocompile -keep -s sources
pack_identities
printf 'VERSION\tJAX-WS RI %s, Java %s\n' "$(dpkg-query -W -f '${Version}' jaxws)" \
    "$(java_version)"
# Most of a short run is its start.
java -XX:TieredStopAtLevel=1 -cp "$INTEROP_TARGET/classes:$libraries" Ask "$INTEROP_TARGET/contract"
