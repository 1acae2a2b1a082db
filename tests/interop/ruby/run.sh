#!/usr/bin/env bash
# Ruby's soap4r, driven by the contract.
. ../steps.sh
command -v ruby >/dev/null || need_debian ruby
ruby -e 'gem "soap4r-ruby1.9"; gem "httpclient"' 2>/dev/null || need_debian ruby-soap4r ruby-httpclient
fetch_contract "$INTEROP_TARGET/contract"
ruby ask.rb "$INTEROP_TARGET/contract"
