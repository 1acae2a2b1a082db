#!/bin/sh
# Builds the gSOAP peer from our WSDL; everything that is generated lies in the folder that is named, nothing here.
#
# Usage: benches/peers/gsoap/build.sh FOLDER     prints the program's path
# Installs what is missing on Debian: gsoap, its library, SQLite's and OpenSSL's headers.
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
    # Its types' checks are gSOAP's own; the optimiser gets everything at once.
    # shellcheck disable=SC2046
    gcc -O3 -march=native -flto -o peer "$here/server.c" soapC.c soapServer.c -I "$made" \
        $(pkg-config --cflags --libs gsoapssl sqlite3 openssl) -lpthread
} >&2
echo "$made/peer"
