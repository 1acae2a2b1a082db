#!/usr/bin/env bash
# Runs the router; it needs the extensions of composer.json, and no package.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
php -r 'exit(extension_loaded("soap") && extension_loaded("openssl") ? 0 : 1);' 2>/dev/null ||
    { echo "needs PHP 8.1 or newer with the extensions soap and openssl (Debian: php-cli, php-soap)" >&2; exit 77; }
# Warnings of the extension go to standard error: the lines are on standard output.
exec php -d display_errors=stderr "$here/router.php" "$@"
