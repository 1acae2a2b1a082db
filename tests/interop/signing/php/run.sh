#!/usr/bin/env bash
# PHP with DOMDocument and OpenSSL, without a SOAP library.
. "$(dirname "$0")/../steps.sh"
command -v php >/dev/null || skip "needs PHP (Debian: php-cli, php-xml)"
php -r 'exit(extension_loaded("dom") && extension_loaded("openssl") ? 0 : 1);' \
    || skip "needs the PHP extensions dom and openssl (Debian: php-cli, php-xml)"
php -d display_errors=stderr "$here/sign.php"
