#!/usr/bin/env bash
# Java with Apache CXF 3, if installed: set CXF_HOME to the folder of its binary distribution. Debian
# has no package of it.
. ../steps.sh
[ -n "${CXF_HOME:-}" ] && [ -x "$CXF_HOME/bin/wsdl2java" ] || missing "needs Apache CXF 3: set CXF_HOME to its folder"
command -v javac >/dev/null || need_debian openjdk-17-jdk-headless
fetch_contract "$INTEROP_TARGET/contract"
libraries="$CXF_HOME/lib/*"
build_java "$libraries" "$CXF_HOME/bin/wsdl2java" -d sources
pack_identities
printf 'VERSION\tApache CXF %s, Java %s\n' "$(basename "$CXF_HOME"/lib/cxf-core-*.jar .jar | cut -d- -f3-)" \
    "$(java_version)"
java -cp "$INTEROP_TARGET/classes:$libraries" Ask "$INTEROP_TARGET/contract"
