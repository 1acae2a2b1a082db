#!/usr/bin/env bash
# C# by Mono's wsdl, the generator of .NET Framework's ASMX clients; built once for each contract.
. ../steps.sh
{ command -v mono && command -v mcs && [ -e /usr/lib/mono/4.5/wsdl.exe ]; } >/dev/null || need_debian mono-mcs mono-devel
fetch_contract "$INTEROP_TARGET/contract"
if ! is_built "$INTEROP_TARGET/contract" Ask.cs run.sh; then
    cd "$INTEROP_TARGET"
    {
        # Not `wsdl`: other packages have programs of that name.
        mono /usr/lib/mono/4.5/wsdl.exe -nologo -n:Attributes -out:Attributes.cs \
            contract/consult.wsdl contract/eHealthAttributesV1.xsd contract/CommonV3.xsd
        mono /usr/lib/mono/4.5/wsdl.exe -nologo -n:Connection -out:Connection.cs \
            contract/test.wsdl contract/TestConnectionServiceV1.xsd
        mcs -nologo -warn:0 -out:ask.exe -r:System.Web.Services -r:System.Xml "$here/Ask.cs" Attributes.cs Connection.cs
    } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
fi
# Mono reads no newer encryption of PKCS#12.
pack_identities -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1
# Whom Mono trusts stands in the user's folder; this one is the run's own.
export HOME=$identities XDG_CONFIG_HOME=$identities/config
cert-sync --quiet --user "$INTEROP_CA" >&2
printf 'VERSION\tMono %s wsdl, C#\n' "$(mono --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')"
mono "$INTEROP_TARGET/ask.exe"
