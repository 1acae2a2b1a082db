#!/usr/bin/env bash
# Checks a signed request with xmlsec1, and that it keeps to the profile of docs/guides/signing.md.
#
#     check.sh FILE CA
#
# CA is the authority of the signing certificate (PEM). Prints `OK` and what was found; otherwise every
# violation, and exits with 1. Exits with 77 if a program is missing. NOW (RFC 3339) is the time at which the
# request must be valid; without it, only the lifetime is checked.
set -euo pipefail
[ $# = 2 ] || { echo "usage: check.sh FILE CA" >&2; exit 2; }
for program in xmlsec1 xmllint openssl; do
    command -v "$program" >/dev/null || { echo "skipped: needs $program (Debian: xmlsec1, libxml2-utils, openssl)"; exit 77; }
done
file=$1 authority=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

soap=http://schemas.xmlsoap.org/soap/envelope/
oasis=http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss
secext=$oasis-wssecurity-secext-1.0.xsd
utility=$oasis-wssecurity-utility-1.0.xsd
dsig=http://www.w3.org/2000/09/xmldsig#
exclusive=http://www.w3.org/2001/10/xml-exc-c14n#
addressing=http://www.w3.org/2005/08/addressing

# An XPath step: element NAME of NAMESPACE.
el() { printf '*[local-name()="%s" and namespace-uri()="%s"]' "$2" "$1"; }
# XPath: the identifiers of the selected elements.
ids() { printf '%s/@*[local-name()="Id" and (namespace-uri()="" or namespace-uri()="%s")]' "$1" "$utility"; }
value() { xmllint --noent --xpath "string($1)" "$file"; }

header=/$(el $soap Envelope)/$(el $soap Header)
body=/$(el $soap Envelope)/$(el $soap Body)
security=$header/$(el $secext Security)
token=$security/$(el $secext BinarySecurityToken)
stamp=$security/$(el $utility Timestamp)
created=$stamp/$(el $utility Created)
expires=$stamp/$(el $utility Expires)
signature=$security/$(el $dsig Signature)
info=$signature/$(el $dsig SignedInfo)
method=$(el $dsig SignatureMethod)/@Algorithm
reference=$info/$(el $dsig Reference)
transform=$(el $dsig Transforms)/$(el $dsig Transform)
digest=$(el $dsig DigestMethod)/@Algorithm
direct=$signature/$(el $dsig KeyInfo)/$(el $secext SecurityTokenReference)/$(el $secext Reference)

wrong=0
violation() { echo "$file: $*"; wrong=1; }
# rule TEXT XPATH: the expression must be true.
rule() { [ "$(xmllint --noent --xpath "boolean($2)" "$file")" = true ] || violation "$1"; }

xmllint --noout "$file" || { violation "not well-formed"; exit 1; }
rule "one Security header without actor" "count($security)=1 and not($security/@*[local-name()='actor'])"
rule "one token, X509v3, Base64Binary" "count($token)=1 and $token/@ValueType='$oasis-x509-token-profile-1.0#X509v3'
    and $token/@EncodingType='$oasis-soap-message-security-1.0#Base64Binary'"
rule "one Timestamp with one Created and one Expires" "count($stamp)=1 and count($created)=1 and count($expires)=1"
rule "one Signature in the document, in the Security header" "count($signature)=1 and count(//$(el $dsig Signature))=1"
rule "exclusive C14N of SignedInfo" "$info/$(el $dsig CanonicalizationMethod)/@Algorithm='$exclusive'"
rule "a reference to the Body" "$reference[@URI=concat('#', $(ids "$body"))]"
rule "a reference to the Timestamp" "$reference[@URI=concat('#', $(ids "$stamp"))]"
rule "no reference to anything else" "not($reference[not(substring(@URI, 2)=$(ids "$body") or substring(@URI, 2)=$(ids "$stamp")
    or substring(@URI, 2)=$(ids "$token") or substring(@URI, 2)=$(ids "$header/*[namespace-uri()='$addressing']"))])"
rule "exclusive C14N as the last transform of each reference" "not($reference[not($transform[last()]/@Algorithm='$exclusive')])"
rule "before it only enveloped-signature" "not($reference/$transform[position()!=last()][not(@Algorithm='${dsig}enveloped-signature')])
    and not($reference[count($transform)>2])"
for algorithm in 'http://www.w3.org/2001/04/xmlenc#sha256' 'http://www.w3.org/2001/04/xmldsig-more#sha384' 'http://www.w3.org/2001/04/xmlenc#sha512'; do
    digests=${digests:+$digests or }"$digest='$algorithm'"
done
rule "digests with SHA-256, SHA-384 or SHA-512" "not($reference[not($digests)])"
rule "a direct reference to the token as the key" "count($direct)=1 and $direct/@URI=concat('#', $(ids "$token"))"
all=$(ids "//*")
duplicates=$(xmllint --noent --xpath "$all" "$file" | tr -d "[:blank:]" | sed "s/.*=//" | sort | uniq -d)
[ -z "$duplicates" ] || violation "equal identifiers: $duplicates"

algorithm=$(value "$info/$method")
case ${algorithm#*#} in
rsa-sha256 | rsa-sha384 | rsa-sha512 | ecdsa-sha256 | ecdsa-sha384 | sha256-rsa-MGF1 | sha384-rsa-MGF1 | sha512-rsa-MGF1) ;;
*) violation "signature algorithm $algorithm" ;;
esac

from=$(date -u -d "$(value "$created")" +%s)
until=$(date -u -d "$(value "$expires")" +%s)
[ $((until - from)) -gt 0 ] && [ $((until - from)) -le 600 ] || violation "a lifetime of $((until - from)) s; allowed are 1 to 600 s"
if [ -n "${NOW:-}" ]; then
    now=$(date -u -d "$NOW" +%s)
    [ "$from" -le $((now + 60)) ] && [ "$until" -ge $((now - 60)) ] || violation "not valid at $NOW"
fi

value "$token" | tr -d '[:space:]' | openssl base64 -d -A >"$folder/token.der"
openssl x509 -inform DER -in "$folder/token.der" -out "$folder/token.pem"
openssl verify -purpose sslclient -CAfile "$authority" "$folder/token.pem" >"$folder/chain" 2>&1 || violation "$(tail -n 1 "$folder/chain")"
# A signed header has an identifier, too.
options=()
for name in "$soap:Body" "$utility:Timestamp" "$secext:BinarySecurityToken" \
    "$addressing:"{To,Action,MessageID,ReplyTo,From,FaultTo,RelatesTo}; do
    options+=(--id-attr:Id "$name")
done
xmlsec1 --verify "${options[@]}" --enabled-reference-uris same-doc --pubkey-cert-pem "$folder/token.pem" "$file" \
    >"$folder/xmlsec" 2>&1 || violation "xmlsec1: $(grep -v '^$' "$folder/xmlsec" | tr '\n' ' ')"

[ $wrong = 0 ] || exit 1
echo "OK ${algorithm#*#}, $(xmllint --xpath "count($reference)" "$file") references, lifetime $((until - from)) s, $(xmlsec1 --version)"
