#!/usr/bin/env bash
# Java with Apache CXF 4, from Maven Central: WSDLToJava, built once for each contract.
. ../steps.sh
command -v javac >/dev/null || need_debian openjdk-17-jdk-headless
need_maven pom.xml
fetch_contract "$INTEROP_TARGET/contract"
libraries="$INTEROP_TARGET/lib/*"
build_java "$libraries" java -cp "$libraries" org.apache.cxf.tools.wsdlto.WSDLToJava -d sources
pack_identities
printf 'VERSION\tApache CXF %s, Java %s\n' "$(basename "$INTEROP_TARGET"/lib/cxf-core-*.jar .jar | cut -d- -f3-)" \
    "$(java_version)"
# Most of a short run is its start.
java -XX:TieredStopAtLevel=1 -cp "$INTEROP_TARGET/classes:$libraries" Ask "$INTEROP_TARGET/contract"
