#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Holds a cost model against scikit-learn's Gaussian process and gradient boosting: fitted to the same runs, judged on
# the same held-out ones. Prints a table of median / p90 error.
#
#   Benchmarks/model/rivals.sh [RUNS [HELD [FOLDER]]]      default 800 and 300, in a temporary folder
#
# With FOLDER, runs are kept there and not made again. PYTHON names a Python with Benchmarks/model/requirements.txt;
# GP_RUNS bounds the runs that scikit-learn's process sees (default 400), since its cost grows with their cube.
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-800}
held=${2:-300}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${3:-$work}
mkdir -p "$folder"
swift build -c release --product s2tune
tool=.build/release/s2tune
$tool fit --name rivals --runs "$runs" --seed 1 --runs-file "$folder/fitted.jsonl" --output "$work/model.json" >/dev/null
$tool campaign resume --name rivals --runs "$held" --seed 1000001 "$folder/held.jsonl" >/dev/null 2>&1 ||
  $tool campaign run --name rivals --runs "$held" --seed 1000001 "$folder/held.jsonl" >/dev/null
$tool campaign export --name rivals --runs "$runs" --seed 1 "$folder/fitted.jsonl" >"$work/fitted.csv"
$tool campaign export --name rivals --runs "$held" --seed 1000001 "$folder/held.jsonl" >"$work/held.csv"
# Ends with 1 where a target is missed; the table is wanted all the same.
$tool evaluate model --cost-model "$work/model.json" --runs "$held" --seed 1000001 --fronts 0 --rivals 0 --replicated 0 \
  --format json >"$work/evaluation.json" || [ $? -eq 1 ]
"${PYTHON:-python3}" Benchmarks/model/compare.py runs "$work/fitted.csv" "$work/held.csv" "$work/evaluation.json" \
  --gp-runs "${GP_RUNS:-400}"
