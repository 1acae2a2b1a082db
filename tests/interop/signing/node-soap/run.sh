#!/usr/bin/env bash
# Node's `soap`. The system's clock is the only source of its Timestamp.
. "$(dirname "$0")/../steps.sh"
{ command -v node && command -v npm; } >/dev/null || skip "needs Node and npm"
package=soap@1.13.0
if [ "$(cat "$INTEROP_TARGET/npm" 2>/dev/null)" != "$package" ]; then
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$INTEROP_TARGET" "$package" \
        >"$INTEROP_TARGET/npm.log" 2>&1 || skip "cannot install $package from npm"
    echo "$package" >"$INTEROP_TARGET/npm"
fi
# The package calls a deprecated function of its dependency at every request.
at_now node --no-deprecation "$here/sign.js"
