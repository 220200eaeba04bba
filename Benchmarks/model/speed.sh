#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measures how fast the cost model is: one prediction, 20,000 policies, the fit of a campaign's
# runs, and a Gaussian process of 1000 points in 8 dimensions against scikit-learn, both on one
# thread. A missed target is printed as missed; processes with different evidence fail.
#
#   Benchmarks/model/speed.sh [--smoke | STORE]
#
# STORE holds 4000 runs, made by `s2tune campaign run --runs 4000 --store STORE`; without it the
# fit is not timed. PYTHON names a Python with the packages of Benchmarks/model/requirements.txt;
# without it a temporary environment gets them from PyPI. Needs libopenblas-dev. With --smoke it is
# 200 policies and 100 points, without the second build that OpenBLAS needs and so without the
# comparison.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
if [ "${1:-}" = --smoke ]; then
  swift build -c release --product ModelSpeed
  .build/release/ModelSpeed --smoke
  .build/release/ModelSpeed process "$work" --smoke
  echo "not run: the same process with OpenBLAS and in scikit-learn"
  exit
fi
if [ $# -gt 0 ] && [ ! -f "$1" ]; then
  echo "there is no $1; s2tune campaign run --runs 4000 --store $1 makes it" >&2
  exit 1
fi
python=$(Benchmarks/python Benchmarks/model/requirements.txt "$work/venv")
swift build -c release --product ModelSpeed
swift build -c release --product s2tune
.build/release/ModelSpeed
if [ $# -gt 0 ]; then
  start=$(date +%s)
  .build/release/s2tune fit --name standard --runs 4000 --seed 1 --workers 2 --store "$1" \
    --output "$work/model.json" >/dev/null
  spent=$(($(date +%s) - start))
  if [ "$spent" -lt 300 ]; then verdict=met; else verdict=missed; fi
  printf '%-7s fit of 4000 runs, 2 workers: %s s, target under 300 s\n' "$verdict" "$spent"
fi
S2TUNE_BLAS=openblas swift build -c release --scratch-path .build/openblas --product ModelSpeed
ours=$(.build/openblas/release/ModelSpeed process "$work")
plain=$(.build/release/ModelSpeed process "$work")
echo "        n=1000, d=8 with OpenBLAS: $ours"
echo "        n=1000, d=8 with gslcblas: $plain"
"$python" Benchmarks/model/compare.py process "$work/process.csv" "$ours" "$plain"
