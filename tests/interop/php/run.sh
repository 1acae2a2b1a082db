#!/usr/bin/env bash
# PHP's SoapClient.
. ../steps.sh
{ command -v php && php -m | grep -qx soap; } >/dev/null || need_debian php-cli php-soap
join_identities
php -d display_errors=stderr ask.php
