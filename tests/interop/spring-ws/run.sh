#!/usr/bin/env bash
# Java with Spring-WS, from Maven Central: classes by xjc, built once for each contract.
. ../steps.sh
command -v javac >/dev/null || need_debian openjdk-17-jdk-headless
need_maven pom.xml
fetch_contract "$INTEROP_TARGET/contract"
libraries="$INTEROP_TARGET/lib/*"
build_java "$libraries" java -cp "$libraries" com.sun.tools.xjc.XJCFacade -wsdl -d sources
pack_identities
printf 'VERSION\tSpring-WS %s, Java %s\n' "$(basename "$INTEROP_TARGET"/lib/spring-ws-core-*.jar .jar | cut -d- -f4-)" \
    "$(java_version)"
# Most of a short run is its start.
java -XX:TieredStopAtLevel=1 -cp "$INTEROP_TARGET/classes:$libraries" Ask "$INTEROP_TARGET/contract"
