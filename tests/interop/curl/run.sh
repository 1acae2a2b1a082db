#!/usr/bin/env bash
# curl and an envelope written by hand; xmllint reads the answers.
. ../steps.sh
command -v curl >/dev/null || need_debian curl
command -v xmllint >/dev/null || need_debian libxml2-utils

post() { # CALLER PATH BODY
    printf '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>%s</e:Body></e:Envelope>' "$3" \
        | curl -sS --noproxy '*' --cacert "$INTEROP_CA" --cert "$INTEROP_CLIENTS/$1.pem" --key "$INTEROP_CLIENTS/$1.key" \
            -H 'Content-Type: text/xml; charset=utf-8' --data-binary @- "$INTEROP_URL$2" >"$answer"
}

value() {
    xmllint --xpath "string($1)" "$answer" 
}

number() {
    xmllint --xpath "count($1)" "$answer"
}

days() {
    printf '[%s..%s]' "$(value "$1/beginDate")" "$(value "$1/endDate")"
}

disclosed() {
    local parts=() text services service i j
    local employments
    employments=$(number //result/employment)
    for ((i = 1; i <= employments; i++)); do
        local at="//result/employment[$i]"
        text=$(value "$at/employer/cbeNumber")
        [ "$(number "$at/period")" = 0 ] || text+=$(days "$at/period")
        if [ "$(number '//filteredElement[.="employment/preventionService/cbeNumber"]')" = 0 ]; then
            services=
            for ((j = 1; j <= $(number "$at/preventionService"); j++)); do
                service="$at/preventionService[$j]"
                services+="${services:+, }$(value "$service/type") $(value "$service/cbeNumber")$(days "$service/affiliation")"
            done
            text+="{$services}"
        fi
        parts+=("$text")
    done
    [ "$(number //result/healthInsuranceFund)" = 0 ] || parts+=("fund $(value //result/healthInsuranceFund/cbeNumber)")
    local all
    all=$(printf '; %s' "${parts[@]}")
    [ ${#parts[@]} = 0 ] || printf '%s' "${all:2}"
}

person() {
    if [ "$(number '//ssin[@replacedBy]')" = 0 ]; then
        value //result/ssin
    else
        printf '%s>%s' "$(value '//ssin[@replacedBy]')" "$(value //ssin/@replacedBy)"
    fi
}

sources() {
    local i all=
    for ((i = 1; i <= $(number //sources/source); i++)); do
        all+="${all:+, }$(value "//sources/source[$i]/@name") $(value "//sources/source[$i]")"
    done
    printf '%s' "$all"
}

printf 'VERSION\t%s\n' "$(curl --version | head -1 | cut -d' ' -f1,2)"
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
while IFS=$'\t' read -r name caller number context ssin begin end; do
    if [ "$context" = - ]; then
        post "$caller" "$test_path" "<t:sendTestMessageRequest xmlns:t='http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1'><echo>$name</echo></t:sendTestMessageRequest>"
        printf '%s\tECHO\t%s\t\t\n' "$name" "$(value //echo)"
        continue
    fi
    dates=
    [ "$begin" = - ] || dates="<referenceDate>$begin</referenceDate>"
    [ "$end" = - ] || dates="<period><beginDate>$begin</beginDate><endDate>$end</endDate></period>"
    post "$caller" "$consult_path" "<q:consultAttributesRequest xmlns:q='http://kszbcss.fgov.be/intf/eHealthAttributesService/v1'><informationCustomer><ticket>$name</ticket><customerIdentification><cbeNumber>$number</cbeNumber></customerIdentification></informationCustomer><legalContext>$context</legalContext><criteria><ssin>$ssin</ssin>$dates</criteria></q:consultAttributesRequest>"
    code=$(value '(//status/code | //reasonCode)[1]')
    printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$code" "$(disclosed)" "$(person)" "$(sources)"
done
