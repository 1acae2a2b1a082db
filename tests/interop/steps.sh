# What the scripts of the stacks share; each is started by tests/it/interop_matrix.rs and begins with `. ../steps.sh`.
#
# Given: INTEROP_URL (scheme and authority), INTEROP_CA (PEM), INTEROP_CLIENTS (a .pem and a .key for each caller),
# INTEROP_TARGET (a folder that is kept between runs), and the questions on standard input, one a line, fields parted by
# tabs, absent ones a hyphen: CASE CALLER NUMBER CONTEXT SSIN BEGIN END; without END, BEGIN is the reference date; without
# CONTEXT it is sendTestMessage with the case as echo.
# Printed: `VERSION<tab>TEXT` once, then `CASE<tab>CODE<tab>DISCLOSED<tab>SSIN` for each question: the status or, of a fault,
# the reason; the disclosed data in the notation of the catalogue; the person described. ECHO is the code of a test message, and a
# hyphen the code of a question that the stack refuses to send. Exits with 77 if the stack cannot be had here.
# A person can run one of them too, from its folder, against `simulate --rsa`: set the four variables from its ready file.
set -euo pipefail
consult_path=/eHealthAttributesService/v1/consultAttributes
test_path=/TestConnectionService/v1/sendTestMessage
here=$(pwd)

missing() {
    echo "$*" >&2
    exit 77
}

# Takes packages from Debian, if this user may.
need_debian() {
    dpkg-query -W "$@" >/dev/null 2>&1 && return
    [ "$(id -u)" = 0 ] || missing "needs the Debian packages $*"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
        >"$INTEROP_TARGET/apt.log" 2>&1 || missing "Debian packages cannot be had: $*"
}

# Takes exact versions from npm into the target folder: NAME@VERSION.
need_npm() {
    command -v npm >/dev/null || missing "needs Node and npm"
    [ "$(cat "$INTEROP_TARGET/npm" 2>/dev/null)" = "$*" ] && return
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$INTEROP_TARGET" "$@" \
        >"$INTEROP_TARGET/npm.log" 2>&1 || missing "npm packages cannot be had: $*"
    echo "$*" >"$INTEROP_TARGET/npm"
}

# Certificate and key of each caller in one file, NAME.both: what OpenSSL's own loaders read.
join_identities() {
    identities=$(mktemp -d)
    trap 'rm -rf "$identities"' EXIT
    for certificate in "$INTEROP_CLIENTS"/*.pem; do
        name=$(basename "$certificate" .pem)
        cat "$certificate" "$INTEROP_CLIENTS/$name.key" >"$identities/$name.both"
    done
    export INTEROP_IDENTITIES=$identities
}

# The same as PKCS#12, NAME.p12, with the password `changeit`: what Java and .NET read.
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

# The served contract as files that name each other, for generators that cannot show a client certificate.
fetch_contract() {
    mkdir -p "$1"
    local file location
    for file in consult test; do
        local path=${file}_path
        get "$INTEROP_URL${!path}?wsdl" >"$1/$file.wsdl"
        for location in $(grep -oE 'schemaLocation="[^"]*"' "$1/$file.wsdl" | cut -d'"' -f2); do
            get "$INTEROP_URL${!path}?xsd=${location##*xsd=}" >"$1/${location##*xsd=}"
        done
    done
    sed -i -E 's#schemaLocation="[^"]*xsd=([^"]*)"#schemaLocation="\1"#' "$1"/*.wsdl "$1"/*.xsd
}

# True if what was built before was built from this contract, whatever its port, and from these sources.
is_built() {
    local contract=$1
    shift
    built=$({ sed -E 's#https://localhost:[0-9]+#URL#' "$contract"/*; cat "$@" ../steps.sh; } | sha256sum)
    [ "$(cat "$INTEROP_TARGET/built" 2>/dev/null)" = "$built" ]
}
