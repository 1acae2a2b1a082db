#!/usr/bin/env bash
# TypeScript: the types that wsdl-tsclient generates from the contract, over `soap`, checked strictly by tsc.
. ../steps.sh
need_npm soap@1.13.0 wsdl-tsclient@1.7.1 typescript@5.9.3 @types/node@20.9.5
fetch_contract "$INTEROP_TARGET/contract"
if ! is_built "$INTEROP_TARGET/contract" ask.ts tsconfig.json run.sh; then
    cd "$INTEROP_TARGET"
    rm -rf source out
    mkdir source
    {
        for service in consult test; do
            node_modules/.bin/wsdl-tsclient "contract/$service.wsdl" -o source
        done
        # A day and a time are text: `soap` makes a Date of each, in the time zone of the machine, unless
        # `customDeserializer` keeps the text.
        find source -name '*.ts' -exec sed -i 's/: Date;/: string;/' {} +
        # KSZ gives the service and the port of TestConnectionService one name, and the generated file imports the
        # one beside the other.
        sed -i -e '/^import/s/{ \(\w*\) }/{ \1 as Port }/' -e 's/: TestConnectionServiceService;/: Port;/' \
            source/test/services/TestConnectionServiceService.ts
        cp "$here/ask.ts" "$here/tsconfig.json" source
        node_modules/.bin/tsc --project source/tsconfig.json
    } >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
    echo "$built" >built
fi
node "$INTEROP_TARGET/out/ask.js"
