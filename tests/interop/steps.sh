# Shared steps of the stacks' scripts. tests/it/interop_matrix.rs starts each script, which begins with
# `. ../steps.sh`.
#
# Input: INTEROP_URL (scheme and authority), INTEROP_CA (PEM), INTEROP_CLIENTS (a .pem and a .key for
# each caller), INTEROP_TARGET (a folder that is kept between runs), and the questions on standard
# input, one per line, with tabs between the fields: CASE CALLER NUMBER CONTEXT SSIN BEGIN END. An
# absent field is a hyphen. Without END, BEGIN is the reference date; without CONTEXT, the question is
# sendTestMessage with the case as echo. INTEROP_KSZ may be a folder with KSZ's own contract of
# TestConnectionService: the messages of sendTestMessage then come from that contract.
# INTEROP_CONTRACT says where a stack gets its contract: `wsdl` (the default) or `singleWsdl`, as the
# service serves it, or a folder of `contract export`. Only stacks with `reads_every_form` in
# interop_matrix.rs get anything else than the default.
# Output: `VERSION<tab>TEXT` once, then a line for each question, with tabs between the fields: CASE CODE
# DISCLOSED SSIN SOURCES.
# - CODE is the status or, of a fault, the reason. ECHO is the code of a test message, and a hyphen the
#   code of a question that the stack refuses to send.
# - DISCLOSED is the disclosed data in the notation of the catalogue; of a test message, the echo.
# - SSIN is the SSIN of `result`. If the answer has the element `ssin` with the attribute `replacedBy`, it
#   is `SSIN>NEWSSIN`: the text of the element and the attribute.
# - SOURCES lists the elements `source` in the answer's order, the attribute `name` and the text of each:
#   `dimona DATA_FOUND, coprev NO_DATA_FOUND`. It is empty if the answer has none.
# DISCLOSED, SSIN and SOURCES are empty if the answer has no such data. A fault has none.
# Exits with 77 if the stack cannot be installed.
# To run a script by hand, start `simulate --rsa`, set the four variables from its ready file, and run
# the script from its folder.
set -euo pipefail
consult_path=/eHealthAttributesService/v1/consult
test_path=/TestConnectionServiceService/sendTestMessage
here=$(pwd)

# The WSDL of each service: a URL or a file.
case ${INTEROP_CONTRACT:=wsdl} in
*/*)
    export INTEROP_CONSULT_WSDL=$INTEROP_CONTRACT/eHealthAttributesServiceV1.wsdl
    export INTEROP_TEST_WSDL=$INTEROP_CONTRACT/TestConnectionServiceV1.wsdl
    ;;
*)
    export INTEROP_CONSULT_WSDL=$INTEROP_URL$consult_path?$INTEROP_CONTRACT
    export INTEROP_TEST_WSDL=$INTEROP_URL$test_path?$INTEROP_CONTRACT
    ;;
esac

missing() {
    echo "$*" >&2
    exit 77
}

# Installs Debian packages, if this user may.
need_debian() {
    local states
    # A package that was removed, or is only recommended, has another state.
    states=$(dpkg-query -f '${db:Status-Status}\n' -W "$@" 2>/dev/null) && ! grep -qvx installed <<<"$states" && return
    [ "$(id -u)" = 0 ] || missing "needs the Debian packages $*"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
        >"$INTEROP_TARGET/apt.log" 2>&1 || missing "cannot install the Debian packages $*"
}

# Installs exact versions (NAME@VERSION) from npm into the target folder.
need_npm() {
    command -v npm >/dev/null || missing "needs Node and npm"
    [ "$(cat "$INTEROP_TARGET/npm" 2>/dev/null)" = "$*" ] && return
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$INTEROP_TARGET" "$@" \
        >"$INTEROP_TARGET/npm.log" 2>&1 || missing "cannot install the npm packages $*"
    echo "$*" >"$INTEROP_TARGET/npm"
}

# Copies the libraries of a pom.xml from Maven Central to the folder lib of the target.
need_maven() {
    command -v mvn >/dev/null || missing "needs Maven"
    cmp -s "$1" "$INTEROP_TARGET/pom.xml" && return
    mvn --batch-mode --quiet -f "$1" dependency:copy-dependencies "-DoutputDirectory=$INTEROP_TARGET/lib" \
        >"$INTEROP_TARGET/maven.log" 2>&1 || missing "cannot get the libraries of $1 from Maven Central"
    cp "$1" "$INTEROP_TARGET/pom.xml"
}

# Writes certificate and key of each caller to one file, NAME.both, for OpenSSL's loaders.
join_identities() {
    identities=$(mktemp -d)
    trap 'rm -rf "$identities"' EXIT
    for certificate in "$INTEROP_CLIENTS"/*.pem; do
        name=$(basename "$certificate" .pem)
        cat "$certificate" "$INTEROP_CLIENTS/$name.key" >"$identities/$name.both"
    done
    export INTEROP_IDENTITIES=$identities
}

# Writes the same as PKCS#12, NAME.p12, with the password `changeit`, for Java and .NET.
pack_identities() {
    join_identities
    for both in "$identities"/*.both; do
        openssl pkcs12 -export -in "$both" -out "${both%.both}.p12" -passout pass:changeit "$@"
    done
}

get() {
    curl -sS --fail --noproxy '*' --cacert "$INTEROP_CA" --cert "$INTEROP_CLIENTS/fund.pem" \
        --key "$INTEROP_CLIENTS/fund.key" "$1"
}

# Puts the contract into a folder as consult.wsdl and test.wsdl, with their schemas beside or inside them,
# for generators without client certificates. What is served gets relative locations.
fetch_contract() {
    rm -rf "$1"
    mkdir -p "$1"
    local file location
    case $INTEROP_CONTRACT in
    */*)
        install -m 644 "$INTEROP_CONTRACT"/* "$1"
        mv "$1/$(basename "$INTEROP_CONSULT_WSDL")" "$1/consult.wsdl"
        mv "$1/$(basename "$INTEROP_TEST_WSDL")" "$1/test.wsdl"
        ;;
    *)
        for file in consult test; do
            local path=${file}_path
            get "$INTEROP_URL${!path}?$INTEROP_CONTRACT" >"$1/$file.wsdl"
            for location in $({ grep -oE 'schemaLocation="[^"]*"' "$1/$file.wsdl" || true; } | cut -d'"' -f2); do
                get "$INTEROP_URL${!path}?xsd=${location##*xsd=}" >"$1/${location##*xsd=}"
            done
        done
        find "$1" -type f -exec sed -i -E 's#schemaLocation="[^"]*xsd=([^"]*)"#schemaLocation="\1"#' {} +
        ;;
    esac
    [ -z "${INTEROP_KSZ:-}" ] && return
    install -m 644 "$INTEROP_KSZ/TestConnectionService.wsdl" "$1/test.wsdl"
    install -m 644 "$INTEROP_KSZ/TestConnectionServiceV1.xsd" "$1"
}

# True if the last build was made from this contract (on any port) and these sources.
is_built() {
    local contract=$1
    shift
    built=$({ sed -E 's#https://localhost:[0-9]+#URL#' "$contract"/*; cat "$@" ../steps.sh; } | sha256sum)
    [ "$(cat "$INTEROP_TARGET/built" 2>/dev/null)" = "$built" ]
}

# Generates the Java classes of both services with a command, to which the WSDL is appended and which writes to
# the folder sources, and compiles them with Ask.java to the folder classes: once for each contract.
# build_java CLASSPATH COMMAND...
build_java() {
    local libraries=$1 file
    shift
    local sources=(*.java *.sh)
    [ -e pom.xml ] && sources+=(pom.xml)
    is_built "$INTEROP_TARGET/contract" "${sources[@]}" && return
    (
        cd "$INTEROP_TARGET"
        rm -rf sources classes
        mkdir sources classes
        {
            for file in consult test; do
                "$@" "contract/$file.wsdl"
            done
            find sources -name '*.java' >sources.txt
            javac -nowarn -cp "$libraries" -d classes @sources.txt "$here/Ask.java"
        } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
        echo "$built" >built
    )
}

java_version() {
    java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.version = //p'
}
