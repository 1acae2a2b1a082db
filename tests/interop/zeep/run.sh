#!/usr/bin/env bash
# Python zeep; INTEROP_PYTHON is an interpreter that has it.
. ../steps.sh
"${INTEROP_PYTHON:?}" -B ask.py
