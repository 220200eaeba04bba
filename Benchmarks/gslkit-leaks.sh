#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs every kind of fit under valgrind and fails on a definite leak or a bad access.
# Needs valgrind. The debug information is left out because valgrind 3.19 cannot read it.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
swiftc -swift-version 6 -gnone -Onone -I Sources/CGSL Sources/GSLKit/*.swift \
  Benchmarks/leaks/main.swift $(pkg-config --libs gsl) -o "$work/leaks"
valgrind -q --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
  --error-exitcode=9 "$work/leaks"
