#!/usr/bin/env bash
# Java with the JAX-WS reference implementation of Debian: wsimport, built once for each contract.
. ../steps.sh
{ command -v wsimport && command -v javac; } >/dev/null || need_debian jaxws openjdk-17-jdk-headless
fetch_contract "$INTEROP_TARGET/contract"
libraries='/usr/share/jaxws/lib/*:/usr/share/java/*'
if ! is_built "$INTEROP_TARGET/contract" Ask.java run.sh; then
    cd "$INTEROP_TARGET"
    rm -rf sources classes
    mkdir sources classes
    {
        for file in consult test; do
            wsimport -Xnocompile -keep -s sources "contract/$file.wsdl"
        done
        find sources -name '*.java' >sources.txt
        javac -nowarn -cp "$libraries" -d classes @sources.txt "$here/Ask.java"
    } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
fi
pack_identities
printf 'VERSION\tJAX-WS RI %s, Java %s\n' "$(dpkg-query -W -f '${Version}' jaxws)" \
    "$(java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.version = //p')"
# Most of a short run is its start.
java -XX:TieredStopAtLevel=1 -cp "$INTEROP_TARGET/classes:$libraries" Ask "$INTEROP_TARGET/contract"
