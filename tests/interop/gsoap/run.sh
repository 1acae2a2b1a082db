#!/usr/bin/env bash
# C++ by gSOAP: wsdl2h and soapcpp2, built once for each contract.
. ../steps.sh
[ -e /usr/include/stdsoap2.h ] && [ -e /usr/include/openssl/ssl.h ] && command -v wsdl2h >/dev/null || need_debian gsoap libgsoap-dev libssl-dev
command -v g++ >/dev/null || need_debian g++
fetch_contract "$INTEROP_TARGET/contract"
if ! is_built "$INTEROP_TARGET/contract" ask.cpp typemap.dat run.sh; then
    cd "$INTEROP_TARGET"
    {
        wsdl2h -t "$here/typemap.dat" -o service.h contract/consult.wsdl contract/test.wsdl
        soapcpp2 -j -C -x -c++11 -I/usr/share/gsoap/import service.h
        g++ -std=c++14 -O0 -DWITH_OPENSSL -I. -o ask "$here/ask.cpp" soapC.cpp soapeHealthAttributesServiceHTTPBindingProxy.cpp \
            soapTestConnectionServiceServiceHTTPBindingProxy.cpp -lgsoapssl++ -lssl -lcrypto
    } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
fi
join_identities
printf 'VERSION\tgSOAP %s, C++\n' "$(dpkg-query -W -f '${Version}' gsoap)"
"$INTEROP_TARGET/ask"
