#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The region study of docs/thread-2024.md: runs s2tune over the values that no source gives, writes
# docs/thread-2024/*.csv and region.svg, and puts the tables into the document. Some ten minutes.
#
#   Benchmarks/thread/scan.sh [--smoke]
#
# S2TUNE names another program, WORKERS how many run at once (2).
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${S2TUNE:-.build/release/s2tune}
if [ ! -x "$program" ]; then
  swift build -c release --product s2tune
fi
if [ "${1:-}" = "--smoke" ]; then
  exec python3 Benchmarks/thread/scan.py --program "$program" --smoke
fi
exec python3 Benchmarks/thread/scan.py --program "$program" --workers "${WORKERS:-2}"
