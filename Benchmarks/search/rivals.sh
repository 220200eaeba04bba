#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Holds s2tune's search strategies against Optuna's and pymoo's: simulates whole spaces, prints what
# `s2tune evaluate strategies` finds on them, and lets the others search the same tables.
#
#   Benchmarks/search/rivals.sh [--smoke | TABLES [OPTION...]]
#
# The tables are kept in TABLES, and those that are there are not made again; without TABLES they
# are temporary. Options are those of compare.py. PYTHON names a Python with the packages of
# Benchmarks/search/requirements.txt; without it a temporary environment gets them from PyPI. With
# --smoke one thinned space is taken, and nothing is installed.
set -eu
cd "$(dirname "$0")/../.."
smoke=
if [ "${1:-}" = --smoke ]; then smoke=yes; shift; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$(Benchmarks/python ${smoke:+--smoke} Benchmarks/search/requirements.txt "$work/venv") ||
  [ -n "$smoke" ]
tables=${1:-$work/tables}
[ $# -eq 0 ] || shift
swift build -c release --product s2tune
evaluate() {
  # Ends with 1 where a target is missed; the tables are wanted all the same.
  .build/release/s2tune evaluate strategies --cost-model none --tables "$tables" "$@" || [ $? -eq 1 ]
}
has_tables() { ls "$tables"/*.json >/dev/null 2>&1; }
if [ -n "$smoke" ]; then
  evaluate --hosts graviton3 --workloads rpc-latency --seeds 1 --thinning 8 --budgets 16 --budget 24
  set -- --seeds 1 --budgets 16
elif ! has_tables; then
  evaluate
fi
has_tables
[ -z "$python" ] || "$python" Benchmarks/search/compare.py "$tables" "$@"
