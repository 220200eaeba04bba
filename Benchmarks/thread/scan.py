#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the figures of the thread of March 2024 come from: a scan over what no source gives.

    Benchmarks/thread/scan.py --program S2TUNE [--workers N] [--smoke]

Runs `s2tune simulate` on kvm-page-table-test and graviton3, whole operations, three seeds a point:

- region:  release rule x moderation x cost of a packet x ticks that raise a softirq
- around:  the shipped host and workload, one value changed at a time
- facts:   what `s2tune validate` says of the thread's facts
- again:   how long a flow takes to be at 95 % of its rate again after the last chunk

Each but the facts becomes a CSV file in docs/thread-2024, and each a table in docs/thread-2024.md, between
`<!-- scan: NAME -->` and `<!-- end -->`; the region is drawn as region.svg as well.
"""

import argparse
import concurrent.futures
import csv
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parents[2]
OUT = HERE / "docs" / "thread-2024"
DOCUMENT = HERE / "docs" / "thread-2024.md"
LARGE, SMALL, ROOT = (f"chunk={c},tlbi=per-leaf" for c in ("1GiB", "2MiB", "root-entry"))
SEEDS = (1, 2, 3)
# What the thread measured, and how far off an answer may be.
KEPT, KEPT_MARGIN = 2 / 9.5, 0.06
LONGER, LONGER_MARGIN = 1.58, 0.12

RULES = {"6.1": "skips", "6.8": "goes on"}
MODERATION = ("0us", "20us", "64us", "256us")
PACKET = ("0.9us", "1.5us", "2.1us", "2.65us", "3.2us", "3.8us")
TICKS = ("4", "6", "9", "16")

AROUND = [
    ("as shipped", "6.1", {}),
    ("reader on the CPU", "6.1", {"net.reader": "same"}),
    ("reader on the CPU, window 64 MiB", "6.1", {"net.reader": "same", "net.window": "64MiB"}),
    ("reader where the scheduler puts it", "6.1", {"net.reader": "unpinned"}),
    ("window 1 MiB", "6.1", {"net.window": "1MiB"}),
    ("window 32 MiB", "6.1", {"net.window": "32MiB"}),
    ("round trip 50 us", "6.1", {"net.round_trip": "50us"}),
    ("round trip 500 us", "6.1", {"net.round_trip": "500us"}),
    ("Reno", "6.1", {"net.congestion": "reno"}),
    ("ring of 256", "6.1", {"nic.ring": "256"}),
    ("ring of 4096", "6.1", {"nic.ring": "4096"}),
    ("one descriptor a frame", "6.1", {"nic.buffer": "16KiB"}),
    ("HZ 100", "6.1", {"kernel.hz": "100"}),
    ("HZ 1000", "6.1", {"kernel.hz": "1000"}),
    ("connections and requests of container-churn", "6.1",
     {"net.connects": "20", "net.requests": "200"}),
    ("a CPU-bound task beside it", "6.1", {"competitors": "1"}),
    ("the CPU sends", "6.1", {"net.direction": "send"}),
    ("5.15 with 1 GiB chunks", "5.15", {}),
    ("6.5", "6.5", {}),
    ("6.8", "6.8", {}),
    ("6.12", "6.12", {}),
]
AGAIN = [
    (name, {**trip, **control})
    for (name, trip) in (("100 us", {}), ("500 us", {"net.round_trip": "500us"}),
                         ("2 ms", {"net.round_trip": "2ms"}))
    for control in ({}, {"net.congestion": "reno"})
]


class Scan:
    """Runs of the program, a few at once."""

    def __init__(self, program, workers, memory):
        self.program, self.memory = program, memory
        self.pool = concurrent.futures.ThreadPoolExecutor(workers)

    def report(self, policy, kernel, settings, seed):
        command = [self.program, "simulate", "--workload", "kvm-page-table-test", "--host",
                   "graviton3", "--kernel", kernel, "--policy", policy, "--seed", str(seed),
                   "--format", "json", "--models", str(HERE / "models")]
        for key, value in {"vm.memory": self.memory, **settings}.items():
            command += ["--set", f"{key}={value}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(done.stdout)

    def point(self, kernel, settings, policies=(LARGE, SMALL, ROOT), seeds=SEEDS):
        """Share kept with 1 GiB, 2 MiB and root chunks; unmap and whole teardown, 2 MiB over 1 GiB."""
        reports = {p: [self.report(p, kernel, settings, s) for s in seeds] for p in policies}
        mean = lambda p, get: statistics.mean(get(r) for r in reports[p])
        kept = {p: mean(p, lambda r: r["network"]["retained_share"]) for p in policies}
        unmap = {p: mean(p, lambda r: r["operation"]["stage2_ns"]) for p in policies}
        whole = {p: mean(p, lambda r: r["operation"]["whole_ns"]) for p in policies}
        return {
            "kept_1gib": kept[LARGE], "kept_2mib": kept[SMALL], "kept_root": kept.get(ROOT, ""),
            "unmap_ratio": unmap[SMALL] / unmap[LARGE], "whole_ratio": whole[SMALL] / whole[LARGE],
        }

    def again(self, settings, seed):
        """Tenths of a second after the last chunk until the flow has 95 % of its rate."""
        report = self.report(LARGE, "6.1", settings, seed)
        network = report["network"]
        bucket = network["bucket_ns"]
        full = 0.95 * network["baseline_bits_per_s"] / 8 * bucket / 1e9
        # The operation begins after 100 ms of warm-up.
        end = (100_000_000 + report["operation"]["stage2_ns"]) / bucket
        first = int(end)
        later = [i for i, b in enumerate(network["goodput_bytes"]) if i >= first and b >= full]
        return ((later[0] + 1) * bucket / 1e6 - end * bucket / 1e6) if later else float("inf")


def gives(row):
    """Which figures of the thread a point gives."""
    return {
        "0.21": abs(row["kept_1gib"] - KEPT) <= KEPT_MARGIN,
        "+58 %": abs(row["unmap_ratio"] - LONGER) <= LONGER_MARGIN,
        "line rate": row["kept_2mib"] >= 0.97,
        "stall": row["kept_root"] == "" or row["kept_root"] <= 0.02,
    }


def region(scan, smoke):
    points = [
        (k, m, p, t) for k in RULES for m in MODERATION for p in PACKET for t in TICKS
        if k == "6.1" or t == "9"
    ]
    if smoke:
        points = [("6.1", "20us", "2.65us", "9"), ("6.8", "20us", "2.65us", "9")]

    def run(point):
        kernel, moderation, packet, ticks = point
        row = scan.point(kernel, {"nic.moderation": moderation, "nic.packet": packet,
                                  "cpu.ticks_per_softirq": ticks})
        return {"kernel": kernel, "moderation": moderation, "packet": packet,
                "ticks_per_softirq": ticks, **row}

    return list(scan.pool.map(run, points))


def around(scan, smoke):
    def run(case):
        name, kernel, settings = case
        return {"case": name, "kernel": kernel, **scan.point(kernel, settings)}

    return list(scan.pool.map(run, AROUND[:1] if smoke else AROUND))


def again(scan, smoke):
    def run(case):
        name, settings = case
        times = [scan.again(settings, seed) for seed in SEEDS]
        control = settings.get("net.congestion", "cubic")
        return {"round_trip": name, "congestion": control, "longest_ms": max(times)}

    return list(scan.pool.map(run, AGAIN[:1] if smoke else AGAIN))


def facts(scan, smoke):
    if smoke:
        return []
    done = subprocess.run(
        [scan.program, "validate", "--models", str(HERE / "models"), "--facts",
         str(HERE / "models" / "facts" / "thread-2024-03.yaml"), "--format", "json"],
        capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return json.loads(done.stdout)["facts"]["rows"]


def facts_table(rows):
    lines = ["| fact | what it says | use | claim | simulated | verdict |", "|---|---|---|---|---:|---|"]
    for r in rows:
        value = r.get("predicted")
        if value is None:
            text = "-"
        elif "x " in r["claim"]:
            text = f"{value:.3g}x"
        else:
            text = f"{value / 1e9:.3g} s" if r["metric"].endswith("_ns") else f"{value:.3g}"
        use = r["use"] + (", gated" if r["gated"] else "")
        lines.append(f"| {r['id']} | {r['says']} | {use} | {r['claim']} | {text} | {r['verdict']} |")
    return lines


def region_table(rows):
    """For each rule and moderation: at which packet costs which figure comes out, by ticks."""
    lines = ["| rule | moderation | one tick in | 0.21 | +58 % | both | line rate | stall |",
             "|---|---|---|---|---|---|---|---|"]
    key = lambda r: (r["kernel"], r["moderation"], r["ticks_per_softirq"])
    for (kernel, moderation, ticks), group in grouped(rows, key):
        cells = {name: [r["packet"] for r in group if gives(r)[name]]
                 for name in ("0.21", "+58 %", "line rate", "stall")}
        both = [p for p in cells["0.21"] if p in cells["+58 %"]]
        span = lambda found: "none" if not found else (
            "all" if len(found) == len(PACKET) else ", ".join(found))
        lines.append(
            f"| {RULES[kernel]} | {moderation} | {ticks} | {span(cells['0.21'])} | "
            f"{span(cells['+58 %'])} | {span(both)} | {span(cells['line rate'])} | "
            f"{span(cells['stall'])} |")
    return lines


def grouped(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups.items()


def around_table(rows):
    lines = ["| changed | kernel | kept, 1 GiB | kept, 2 MiB | kept, root | unmap, 2 MiB over 1 GiB "
             "| whole teardown |", "|---|---|---:|---:|---:|---:|---:|"]
    for r in rows:
        lines.append(f"| {r['case']} | {r['kernel']} | {r['kept_1gib']:.3f} | {r['kept_2mib']:.3f} | "
                     f"{r['kept_root']:.3f} | x{r['unmap_ratio']:.2f} | x{r['whole_ratio']:.2f} |")
    return lines


def again_table(rows):
    lines = ["| round trip | congestion control | 95 % of the rate again after, longest of 3 seeds |",
             "|---|---|---:|"]
    for r in rows:
        lines.append(f"| {r['round_trip']} | {r['congestion']} | {r['longest_ms']:.0f} ms |")
    return lines


def picture(rows):
    """Kept share against the ratio of unmap times, one mark a point, the thread's box behind."""
    width, height, left, top = 720, 440, 60, 20
    x = lambda kept: left + kept * (width - left - 20)
    y = lambda ratio: top + (2.6 - min(ratio, 2.6)) / 1.6 * (height - top - 50)
    colors = {"0us": "#7b3294", "20us": "#008837", "64us": "#2b83ba", "256us": "#d7191c"}
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           f'<rect x="{x(KEPT - KEPT_MARGIN):.1f}" y="{y(LONGER + LONGER_MARGIN):.1f}" '
           f'width="{x(2 * KEPT_MARGIN) - x(0):.1f}" '
           f'height="{y(LONGER - LONGER_MARGIN) - y(LONGER + LONGER_MARGIN):.1f}" fill="#eeeeee"/>',
           f'<text x="{x(KEPT + KEPT_MARGIN) + 4:.1f}" y="{y(LONGER + LONGER_MARGIN) - 4:.1f}" '
           'fill="#555555">what the thread measured, with its margins</text>']
    for value in (0, 0.2, 0.4, 0.6, 0.8, 1):
        out.append(f'<text x="{x(value):.1f}" y="{height - 28}" text-anchor="middle">{value:g}</text>')
    for value in (1, 1.4, 1.8, 2.2, 2.6):
        out.append(f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    out.append(f'<text x="{(width + left) / 2:.0f}" y="{height - 8}" text-anchor="middle">share of '
               'the flow kept with 1 GiB chunks</text>')
    out.append(f'<text x="16" y="{height / 2:.0f}" transform="rotate(-90 16 {height / 2:.0f})" '
               'text-anchor="middle">unmap, 2 MiB over 1 GiB chunks</text>')
    for r in rows:
        color = colors[r["moderation"]]
        cx, cy = x(r["kept_1gib"]), y(r["unmap_ratio"])
        if r["kernel"] == "6.1":
            out.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="4" fill="{color}"/>')
        else:
            out.append(f'<rect x="{cx - 4:.1f}" y="{cy - 4:.1f}" width="8" height="8" fill="none" '
                       f'stroke="{color}" stroke-width="1.5"/>')
    for place, (name, color) in enumerate(colors.items()):
        out.append(f'<circle cx="{width - 190}" cy="{top + 14 + 18 * place}" r="4" fill="{color}"/>')
        out.append(f'<text x="{width - 180}" y="{top + 18 + 18 * place}">moderation {name}</text>')
    out.append(f'<text x="{width - 194}" y="{top + 18 + 72}">dot: 6.1, square: 6.8</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def insert(name, lines):
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = f"<!-- scan: {name} -->\n", "<!-- end -->"
    head, rest = text.split(begin, 1)
    tail = rest.split(end, 1)[1]
    DOCUMENT.write_text(head + begin + "\n" + "\n".join(lines) + "\n\n" + end + tail,
                        encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", choices=("facts", "region", "around", "again"))
    arguments = parser.parse_args()
    scan = Scan(arguments.program, arguments.workers, "4GiB" if arguments.smoke else "64GiB")
    parts = {"facts": (facts, facts_table), "region": (region, region_table), "around": (around, around_table),
             "again": (again, again_table)}
    for name, (run, table) in parts.items():
        if arguments.only not in (None, name):
            continue
        rows = run(scan, arguments.smoke)
        if arguments.smoke:
            print(name, *table(rows), sep="\n")
            continue
        insert(name, table(rows))
        if name == "facts":
            continue
        with open(OUT / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(
                {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in r.items()} for r in rows)
        if name == "region":
            (OUT / "region.svg").write_text(picture(rows), encoding="utf-8")
    if arguments.smoke:
        print("right   every part of the scan ran")


if __name__ == "__main__":
    main()
