#!/usr/bin/env bash
# Java with Apache Axis 1.4 of 2006, from Maven Central: WSDL2Java, built once for each contract. It speaks
# HTTP/1.0, and takes its identity from the properties javax.net.ssl.*, so each caller is a process.
. ../steps.sh
command -v javac >/dev/null || need_debian openjdk-17-jdk-headless
need_maven pom.xml
fetch_contract "$INTEROP_TARGET/contract"
# Of a type whose text is a restricted string, WSDL2Java writes a class that does not compile: it has no
# member for the text, and calls a constructor that its superclass lacks.
sed -i 's/extension base="common:SsinType"/extension base="xs:string"/' "$INTEROP_TARGET"/contract/*
libraries="$INTEROP_TARGET/lib/*"
build_java "$libraries" java -cp "$libraries" org.apache.axis.wsdl.WSDL2Java -o sources
pack_identities
keytool -importcert -noprompt -file "$INTEROP_CA" -keystore "$identities/ca.jks" -storepass changeit >&2
printf 'VERSION\tApache Axis 1.4, Java %s\n' \
    "$(java_version)"
questions=$(cat)
for caller in $(cut -f2 <<<"$questions" | sort -u); do
    awk -F'\t' -v caller="$caller" '$2 == caller' <<<"$questions" |
        java -XX:TieredStopAtLevel=1 -cp "$INTEROP_TARGET/classes:$libraries" \
            -Djavax.net.ssl.keyStore="$identities/$caller.p12" -Djavax.net.ssl.keyStoreType=PKCS12 \
            -Djavax.net.ssl.keyStorePassword=changeit -Djavax.net.ssl.trustStore="$identities/ca.jks" \
            -Djavax.net.ssl.trustStorePassword=changeit Ask
done
