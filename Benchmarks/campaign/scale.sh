#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How a store of runs scales: inserts, status, reading for a fit, size; and how much of the processors' simulation
# throughput a campaign of short runs keeps.
#
#   Benchmarks/campaign/scale.sh [--smoke | RUNS [SHORT]]
#
# RUNS rows in a store, a million unless given, and a campaign of SHORT short runs, 10000 unless given. With --smoke
# it is 2000 and 40.
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-1000000} short=${2:-10000}
if [ "${1:-}" = --smoke ]; then runs=2000 short=40; fi
export OPENBLAS_NUM_THREADS=1
swift build -c release --product CampaignScale
.build/release/CampaignScale "$runs" "$short"
