#!/usr/bin/env bash
# Node's `strong-soap`.
. ../steps.sh
need_npm strong-soap@6.0.1
node ask.js
