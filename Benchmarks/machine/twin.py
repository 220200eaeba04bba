#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A SimPy twin of the machine's queueing core: one CPU, datagrams, interrupts, polls, ticks, a walker.

Reads the scenario's numbers from the command line, prints JSON. It knows no scheduler, no TCP, no ksoftirqd and no flushes
with IRQs off: with the reader elsewhere, one chunk and the last switched off nothing of them happens, so both must give the same."""
import argparse
import json
import random
import time

import simpy

parser = argparse.ArgumentParser()
for name in ("work", "rate", "hard", "entry", "poll", "packet", "tick", "hz"):
    parser.add_argument("--" + name, type=float, required=True)
given = parser.parse_args()
chance = random.Random(1)
env = simpy.Environment()
cpu = simpy.PreemptiveResource(env)
seen = {"ring": 0, "masked": False, "interrupts": 0, "packets": 0, "events": 0}


def busy(duration, priority):
    """Occupies the CPU for so many seconds of its own, whoever interrupts."""
    left = duration
    while left > 0:
        with cpu.request(priority=priority) as turn:
            try:
                yield turn
                began = env.now
                yield env.timeout(left)
                left = 0
            except simpy.Interrupt:
                left -= env.now - began


def receive():
    seen["interrupts"] += 1
    yield from busy(given.hard, 0)
    yield from busy(given.entry + given.poll, 1)
    polled = 0
    while polled < 64 and seen["ring"] > 0:
        seen["ring"] -= 1
        polled += 1
        yield from busy(given.packet, 1)
    seen["packets"] += polled
    seen["masked"] = False
    if seen["ring"] > 0:
        interrupt()


def interrupt():
    seen["masked"] = True
    env.process(receive())


def arrivals():
    while True:
        yield env.timeout((0.5 + chance.random()) / given.rate)
        seen["ring"] += 1
        if not seen["masked"]:
            interrupt()


def ticks():
    while True:
        yield env.timeout(1 / given.hz)
        yield from busy(given.tick, 0)


def walker(done):
    yield env.timeout(0.1)
    began = env.now
    yield from busy(given.work, 2)
    done.succeed(env.now - began)


finished = env.event()
env.process(arrivals())
env.process(ticks())
env.process(walker(finished))
start = time.process_time()
length = env.run(until=finished)
print(json.dumps({
    "simpy": simpy.__version__, "cpu_s": time.process_time() - start, "simulated_s": env.now, "stage2_s": length,
    "interrupts": seen["interrupts"], "packets": seen["packets"],
}))
