#!/usr/bin/env bash
# Java with Apache CXF 3, if installed: set CXF_HOME to the folder of its binary distribution. Debian
# has no package of it.
. ../steps.sh
[ -n "${CXF_HOME:-}" ] && [ -x "$CXF_HOME/bin/wsdl2java" ] || missing "needs Apache CXF 3: set CXF_HOME to its folder"
command -v javac >/dev/null || need_debian openjdk-17-jdk-headless
fetch_contract "$INTEROP_TARGET/contract"
libraries="$CXF_HOME/lib/*"
if ! is_built "$INTEROP_TARGET/contract" Ask.java run.sh; then
    cd "$INTEROP_TARGET"
    rm -rf sources classes
    mkdir sources classes
    {
        for file in consult test; do
            "$CXF_HOME/bin/wsdl2java" -d sources "contract/$file.wsdl"
        done
        find sources -name '*.java' >sources.txt
        javac -nowarn -cp "$libraries" -d classes @sources.txt "$here/Ask.java"
    } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
fi
pack_identities
printf 'VERSION\tApache CXF %s, Java %s\n' "$(basename "$CXF_HOME"/lib/cxf-core-*.jar .jar | cut -d- -f3-)" \
    "$(java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.version = //p')"
java -cp "$INTEROP_TARGET/classes:$libraries" Ask "$INTEROP_TARGET/contract"
