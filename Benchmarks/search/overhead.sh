#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The search's own time a suggestion, and the share of the true hypervolume it reaches, on a made-up
# space of about 20,000 points: 100 and 200 evaluations, five seeds. Target: under 1 ms. A share
# under 0.8 fails.
#
#   Benchmarks/search/overhead.sh [--smoke]
#
# With --smoke the space has about 800 points, one seed makes 40 evaluations.
set -eu
cd "$(dirname "$0")/../.."
swift build -c release --product SearchOverhead
.build/release/SearchOverhead "$@"
