#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Holds a cost model against scikit-learn's Gaussian process and gradient boosting: fitted to the
# same runs, judged on the same held-out ones. Prints a table of median / p90 error.
#
#   Benchmarks/model/rivals.sh [--smoke | RUNS [HELD [FOLDER]]]
#
# RUNS and HELD are 800 and 300 unless given. With FOLDER, runs are kept there and not made again.
# PYTHON names a Python with the packages of Benchmarks/model/requirements.txt; without it a
# temporary environment gets them from PyPI. GP_RUNS bounds the runs that scikit-learn's process
# sees (400 unless given), since its cost grows with their cube. With --smoke it is 60 and 20 runs,
# and nothing is installed.
set -eu
cd "$(dirname "$0")/../.."
smoke=
if [ "${1:-}" = --smoke ]; then
  smoke=yes
  set -- 60 20
fi
runs=${1:-800}
held=${2:-300}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$(Benchmarks/python ${smoke:+--smoke} Benchmarks/model/requirements.txt "$work/venv") ||
  [ -n "$smoke" ]
folder=${3:-$work}
mkdir -p "$folder"
swift build -c release --product s2tune
tool=.build/release/s2tune
store=$folder/runs.db
$tool fit --name rivals --runs "$runs" --seed 1 --store "$store" --output "$work/model.json" >/dev/null
$tool campaign run --name held --runs "$held" --seed 1000001 --store "$store" >/dev/null
$tool campaign export held --store "$store" >"$work/held.csv"
$tool campaign export rivals --store "$store" >"$work/fitted.csv"
# Ends with 1 where a target is missed; the table is wanted all the same.
$tool evaluate model --cost-model "$work/model.json" --runs "$held" --seed 1000001 --fronts 0 \
  --rivals 0 --replicated 0 --format json >"$work/evaluation.json" || [ $? -eq 1 ]
grep -q '"error_median"' "$work/evaluation.json"
[ -z "$python" ] || "$python" Benchmarks/model/compare.py runs "$work/fitted.csv" \
  "$work/held.csv" "$work/evaluation.json" --gp-runs "${GP_RUNS:-400}"
