#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measures how fast and in how much memory stage-2 operations are counted, and how much slower the
# naive twin of the tests is. Compiles the two rooms and the twin by themselves, optimised.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-O -wmo -swift-version 6 -enable-testing -enable-upcoming-feature ExistentialAny
  -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature InternalImportsByDefault
  -I $work -L $work"
# The flags are words of their own.
# shellcheck disable=SC2086
{
  swiftc $flags -parse-as-library -emit-module -emit-library -static -module-name Quantities \
    -o "$work/libQuantities.a" -emit-module-path "$work/Quantities.swiftmodule" \
    Sources/Quantities/*.swift
  swiftc $flags -parse-as-library -emit-module -emit-library -static -module-name PageTables \
    -o "$work/libPageTables.a" -emit-module-path "$work/PageTables.swiftmodule" \
    Sources/PageTables/*.swift Sources/PageTables/*/*.swift
  swiftc $flags Benchmarks/pagetables/main.swift Tests/PageTablesTests/NaiveTwin*.swift \
    -lPageTables -lQuantities -lm -o "$work/bench"
}
"$work/bench"
