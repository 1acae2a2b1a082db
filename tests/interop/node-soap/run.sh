#!/usr/bin/env bash
# Node's `soap`.
. ../steps.sh
need_npm soap@1.13.0
node ask.js
