#!/usr/bin/env bash
# PHP's SoapClient.
. ../steps.sh
php -r 'exit(extension_loaded("soap") ? 0 : 1);' 2> /dev/null || need_debian php-cli php-soap
join_identities
php -d display_errors=stderr ask.php
