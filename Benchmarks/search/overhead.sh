#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The search's own time a suggestion, and the share of the true hypervolume it reaches, on a made-up
# space of about 20,000 points: 100 and 200 evaluations, five seeds. Target: under 1 ms. Compiles the
# rooms it needs by themselves, optimised; GSL's headers and libraries must be installed.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-O -wmo -swift-version 6 -enable-upcoming-feature ExistentialAny
  -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature InternalImportsByDefault
  -I $work -I Sources/CGSL -L $work"
room() {
  # The flags are words of their own.
  # shellcheck disable=SC2086
  swiftc $flags -parse-as-library -emit-module -emit-library -static -module-name "$1" \
    -o "$work/lib$1.a" -emit-module-path "$work/$1.swiftmodule" Sources/"$1"/*.swift
}
room Quantities
room Randomness
room GSLKit
room Search
# shellcheck disable=SC2086
swiftc $flags Benchmarks/search/overhead/main.swift Tests/SearchTests/Trade.swift \
  -lSearch -lGSLKit -lRandomness -lQuantities $(pkg-config --libs gsl) -o "$work/bench"
"$work/bench"
