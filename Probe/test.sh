#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the probe here and for arm64 and tests all of it that needs no KVM. With --lab it also runs
# in an emulated host (Lab/record-probe; S2TUNE_LAB is its work folder, LAB_KERNEL its kernel).
set -u
home=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
failed=0

say() {
  echo "$1: $2"
  [ "$1" = ok ] || failed=1
}

# expect CODE WORDS COMMAND...: the exit code, and words that it says.
expect() {
  code=$1 words=$2
  shift 2
  "$@" > "$work/out" 2>&1
  got=$?
  if [ $got -ne "$code" ]; then
    say FAILED "$* ended with $got, not $code: $(head -n 2 "$work/out")"
  elif ! grep -q -- "$words" "$work/out"; then
    say FAILED "$* does not say '$words': $(head -n 2 "$work/out")"
  else
    say ok "$words"
  fi
}

build() {
  make -s -C "$home" "$1" OUT="$work" > "$work/out" 2>&1 && say ok "make $1" ||
    say FAILED "make $1: $(head -n 5 "$work/out")"
}

build all
if command -v aarch64-linux-gnu-gcc > /dev/null; then
  build arm64
else
  echo "skipped: make arm64; there is no aarch64-linux-gnu-gcc"
fi
probe=$work/stage2probe

expect 0 'usage: stage2probe' "$probe" --help
expect 0 'stage2probe 1' "$probe" --version
expect 74 'cannot be written' sh -c "'$probe' --help > /dev/full"
expect 64 'not a size' "$probe" --memory lots
expect 64 'not a size' "$probe" --memory -64MiB
expect 64 'not a size' "$probe" --memory 0
expect 64 'not a size' "$probe" --memory 99999999999999999999
expect 64 'not a size' "$probe" --memory 17592186044416MiB
expect 64 'multiple of 2097152' "$probe" --memory 3MiB
expect 64 'multiple of' "$probe" --slices 1K
expect 64 'multiple of' "$probe" --clear 12KiB
expect 64 'at least one' "$probe" --memory ,
expect 64 'more than 16' "$probe" --vcpus 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
expect 64 'not a number' "$probe" --vcpus 0
expect 64 'not a number' "$probe" --repeats 1e3
expect 64 'not a number' "$probe" --max-time 0
expect 64 'not a number' "$probe" --cpu -1
expect 64 'thp or hugetlb' "$probe" --backing tape
expect 64 'not one of --list' "$probe" --phases fault,nap
expect 64 'in numbers' "$probe" --io=example.org:5001
expect 64 'in numbers' "$probe" --io=192.0.2.1
expect 64 'in numbers' "$probe" --io='[2001:db8::1:5001'
expect 64 'in numbers' "$probe" --io=udp:192.0.2.1
expect 64 'in numbers' "$probe" --io=sctp:192.0.2.1:5001
expect 64 'not a number' "$probe" --pause soon
expect 64 'not a number' "$probe" --pause -1
expect 64 'needs --io' "$probe" --io-cpu 1
expect 64 'lacks its value' "$probe" --memory
expect 64 'not an option' "$probe" --fast
expect 64 'not an option' "$probe" fault
if [ "$(uname -m)" != aarch64 ]; then
  expect 69 'arm64 only' "$probe"
  expect 69 'arm64 only' "$probe" --list
  [ "$(wc -l < "$work/out")" -eq 1 ] && say ok 'one sentence' || say FAILED 'not one sentence'
elif [ ! -e /dev/kvm ]; then
  expect 69 '/dev/kvm' "$probe"
fi

# In the emulated host: kill it in each way, and look at what is left.
lab() {
  cat > "$work/commands" << 'COMMANDS'
# start WHERE OPTION...: the probe in the background; nothing is left of it after `left`.
start() {
  to=$1
  shift
  /stage2probe --memory 64MiB --max-time 300 "$@" > "$to" &
  probe=$!
  sleep 3
  echo "$(pidof stage2probe | wc -w) processes before"
}
left() {
  wait $probe
  echo "$1 ended with $?, $(tail -n 1 /tmp/x | cut -c 18-60)"
  sleep 1
  echo "$1 left $(pidof stage2probe | wc -w) processes"
}
for signal in TERM INT HUP KILL; do
  start /tmp/x --io --repeats 100
  kill -$signal $probe
  left $signal
done
start /tmp/x --phases process-exit --repeats 100
kill -KILL $probe
left owner-KILL
/stage2probe --memory 64MiB --repeats 1000 --max-time 2 > /tmp/x &
probe=$!
left max-time
/stage2probe --memory 4GiB > /tmp/x; echo "too much ended with $?"
/stage2probe --memory 16MiB > /dev/full; echo "full ended with $?"
{ /stage2probe --memory 16MiB; echo "closed ended with $?" > /tmp/closed; } | head -n 1 > /dev/null
sleep 1
cat /tmp/closed
/stage2probe --memory 16MiB --cpu 99; echo "no such CPU ended with $?"
/stage2probe --memory 16MiB --io=127.0.0.1:9; echo "no peer ended with $?"
/stage2probe --memory 16MiB --backing hugetlb --phases fault --vcpus 3 > /tmp/x
grep '"skipped"' /tmp/x
chmod 000 /dev/kvm; rm /dev/kvm
/stage2probe; echo "no KVM ended with $?"
COMMANDS
  "$home/../Lab/record-probe" ${S2TUNE_LAB:+--work "$S2TUNE_LAB"} --kernel "${LAB_KERNEL:-6.12}" \
    --commands "$work/commands" > "$work/lab" 2> "$work/said" || say FAILED "$(cat "$work/said")"
  lab_has 'TERM ended with 143, .*"end","status":"interrupted"'
  lab_has 'INT ended with 130, .*"interrupted"'
  lab_has 'HUP ended with 129, .*"interrupted"'
  lab_has 'KILL ended with 137'
  lab_has 'owner-KILL ended with 137'
  for how in TERM INT HUP KILL owner-KILL max-time; do
    lab_has "^$how left 0 processes"
  done
  lab_has 'max-time ended with 1, .*"out-of-time"'
  lab_has 'too much ended with 64'
  lab_has '^3 processes before'
  lab_has 'full ended with 74'
  lab_has 'closed ended with 74'
  lab_has 'no such CPU ended with 64'
  lab_has 'no peer ended with 69'
  lab_has '"backing":"hugetlb","why":"hugetlb has 0 free pages'
  lab_has 'no KVM ended with 69'
}

lab_has() {
  grep -q -- "$1" "$work/lab" && say ok "lab: $1" || { say FAILED "lab: $1"; shown=1; }
}

shown=0
[ "${1:-}" = --lab ] && lab
[ $shown -eq 1 ] && cat "$work/lab" "$work/said"
exit $failed
