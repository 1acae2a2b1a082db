#!/bin/sh
# Builds the gSOAP peer from our WSDL. All generated files are in FOLDER.
#
# Usage: benches/peers/gsoap/build.sh FOLDER     prints the path of the program
# Installs missing packages on Debian: gSOAP and its library, the headers of SQLite and OpenSSL.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
mkdir -p "$1"
made=$(cd "$1" && pwd)

if ! command -v soapcpp2 > /dev/null || ! pkg-config --exists gsoapssl sqlite3 openssl; then
    {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gsoap libgsoap-dev libsqlite3-dev libssl-dev pkg-config gcc
    } >&2
fi
{
    (cd "$root/wsdl" && wsdl2h -c -o "$made/service.h" eHealthAttributesServiceV1.wsdl)
    cd "$made"
    soapcpp2 -c -S -L -x -w service.h
    # gSOAP checks its types; the optimiser sees the whole program.
    # shellcheck disable=SC2046
    gcc -O3 -march=native -flto -o peer "$here/server.c" soapC.c soapServer.c -I "$made" \
        $(pkg-config --cflags --libs gsoapssl sqlite3 openssl) -lpthread
} >&2
echo "$made/peer"
