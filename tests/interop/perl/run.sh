#!/usr/bin/env bash
# Perl's SOAP::Lite.
. ../steps.sh
perl -MSOAP::Lite -e1 2>/dev/null || need_debian libsoap-lite-perl
perl ask.pl
