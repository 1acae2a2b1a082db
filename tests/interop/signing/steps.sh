# Shared steps of the programs that sign requests. Each `run.sh` begins with `. ../steps.sh`, by its own path.
#
#     run.sh URL CA CERT KEY SIGN_CERT SIGN_KEY OUT
#
# All files are PEM. CA is the authority of the server, CERT and KEY are the identity for TLS, SIGN_CERT and
# SIGN_KEY sign the request. The signed request is written to OUT, with the bytes that go on the wire. If URL
# is `-`, nothing is sent.
#
# Environment: CBE, SSIN and LEGAL_CONTEXT change the question. NOW (RFC 3339) replaces the current time in the
# wsu:Timestamp. INTEROP_TARGET is the folder that keeps installed packages between runs.
#
# Output: one line, the status code of the response, or the faultstring and the reasonCode of the fault.
# Exit code: 0 after a response or, without a URL, after the request was written; 3 after a fault; 77 with the
# line `skipped: REASON` if the stack is not available; another code after an error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../../../.." && pwd)

skip() {
    echo "skipped: $*"
    exit 77
}

[ $# = 7 ] || { echo "usage: run.sh URL CA CERT KEY SIGN_CERT SIGN_KEY OUT" >&2; exit 2; }
export SIGNING_URL=$1 SIGNING_CA=$2 SIGNING_CERT=$3 SIGNING_KEY=$4 SIGNING_SIGN_CERT=$5 SIGNING_SIGN_KEY=$6 SIGNING_OUT=$7
# Kind of the signing key: rsa or ec.
case $(openssl pkey -in "$6" -noout -text) in
*modulus:*) export SIGNING_KIND=rsa ;;
*) export SIGNING_KIND=ec ;;
esac
export CBE=${CBE:-0999010126} SSIN=${SSIN:-85073099932} LEGAL_CONTEXT=${LEGAL_CONTEXT:-BACKTOWORK:ADVISORY_PHYSICIAN}
export SIGNING_WSDL=$project/wsdl/eHealthAttributesServiceV1.wsdl
INTEROP_TARGET=${INTEROP_TARGET:-${CARGO_TARGET_DIR:-$project/target}/interop/signing-$(basename "$here")}
export INTEROP_TARGET
mkdir -p "$INTEROP_TARGET"

# Runs a command with the clock stopped at NOW, for programs that take the time from the system.
# The monotonic clock stays real, because timers depend on it.
at_now() {
    [ -n "${NOW:-}" ] || { "$@"; return; }
    command -v faketime >/dev/null || skip "NOW needs the Debian package faketime"
    FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 TZ=UTC \
        faketime -f "$(date -u -d "$NOW" '+%Y-%m-%d %H:%M:%S')" "$@"
}
