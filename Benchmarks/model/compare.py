# SPDX-License-Identifier: GPL-3.0-or-later
"""scikit-learn beside the cost model: on the same runs, and on the same process.

    compare.py runs FITTED.csv HELD.csv EVALUATION.json [--gp-runs N] [--only RESPONSE,...]
    compare.py process POINTS.csv "OURS" "PLAIN"

`runs` fits scikit-learn's Gaussian process, gradient boosting, and boosting of what the fluid leaves (to its absolute
error) to the runs of FITTED.csv (as `s2tune campaign export` writes them) and judges them on HELD.csv, beside the
errors that `s2tune evaluate model --format json` found on the same held-out runs. `process` fits one process with ARD Matern 5/2 to the points that ModelSpeed wrote, and
compares times and evidence. All on one thread; `Benchmarks/model/rivals.sh` and `speed.sh` call it.
"""

import argparse
import csv
import json
import os
import re
import sys
import time
import warnings

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

warnings.filterwarnings("ignore")

# The order of the tables of docs/model-accuracy.md; the columns that come before the features.
HEAD = ("host", "kernel", "workload", "policy", "run", "group", "replicate", "seed", "stopped", "connects_tried")
TEXTS = HEAD[:4]
TAIL = (
    "teardown_time_ns", "stage2_time_ns", "longest_hold_ns", "write_protect_total_ns", "write_protect_call_p99_ns",
    "worst_vcpu_stall_ns", "goodput_retained_share", "request_p99_ns", "iops_retained_share", "connects_failed_count",
    "migration_time_ns", "downtime_ns", "guest_lost_share",
)
# What the fluid says of a response; where it says nothing, boosting starts from the median.
FLUID = {
    "teardown_time_ns": "fluid_operation_ns", "stage2_time_ns": "fluid_stage2_ns", "longest_hold_ns": "fluid_longest_hold_ns",
    "goodput_retained_share": "fluid_goodput_share", "request_p99_ns": "fluid_request_p99_ns",
    "iops_retained_share": "fluid_iops_share", "migration_time_ns": "precopy_ns", "downtime_ns": "precopy_downtime_ns",
    "guest_lost_share": "precopy_guest_lost_share", "write_protect_total_ns": "precopy_protect_ns",
}


class Scale:
    """The scale a response is fitted on, as the cost model does: logarithms of times, odds of shares."""

    soft = 0.02

    def __init__(self, response):
        self.kind = response.rsplit("_", 1)[1]

    def forward(self, values):
        if self.kind == "ns":
            return numpy.log(numpy.maximum(values, 0) + 1000)
        if self.kind == "share":
            share = numpy.clip(values, 0, 1)
            return numpy.log((share + self.soft) / (1 - share + self.soft))
        return numpy.log1p(numpy.maximum(values, 0))

    def backward(self, places):
        if self.kind == "ns":
            return numpy.maximum(numpy.exp(numpy.minimum(places, 60)) - 1000, 0)
        if self.kind == "share":
            odds = numpy.exp(numpy.clip(places, -50, 50))
            return numpy.clip((odds * (1 + self.soft) - self.soft) / (1 + odds), 0, 1)
        return numpy.maximum(numpy.expm1(numpy.minimum(places, 60)), 0)

    def errors(self, predicted, values, connects):
        """In per cent of the value for times, else in points; of the connections tried for failed ones."""
        difference = numpy.abs(predicted - values)
        if self.kind == "ns":
            return 100 * difference / numpy.maximum(values, 1000)
        return 100 * difference / (connects if self.kind == "count" else 1)


def read(path):
    """The columns of numbers of a file by name; what is empty is not a number."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return {
        name: numpy.array([float(row[place]) if row[place] else numpy.nan for row in rows[1:]])
        for place, name in enumerate(rows[0]) if name not in TEXTS
    }


def features(columns):
    """The features, counts and times on a logarithmic scale, as a matrix."""
    names = [name for name in columns if name not in HEAD and name not in TAIL]
    logs = [name.endswith(("_ns", "_count", "_bytes", "_per_second")) for name in names]
    return numpy.column_stack(
        [numpy.log1p(numpy.maximum(columns[name], 0)) if log else columns[name] for name, log in zip(names, logs)]
    )


def quantile(errors, level):
    """As the cost model takes it: the value at a place of the sorted list."""
    ordered = numpy.sort(errors)
    return ordered[min(len(ordered) - 1, int(len(ordered) * level))]


class Residual:
    """Trees fitted to the absolute error of what the fluid leaves, on the response's scale."""

    def __init__(self, fluid, held):
        self.fluid, self.held = fluid, held
        self.trees = HistGradientBoostingRegressor(loss="absolute_error", max_iter=500, learning_rate=0.06, max_leaf_nodes=24,
                                                   min_samples_leaf=8, l2_regularization=1, random_state=1)

    def fit(self, points, targets):
        self.trees.fit(points, targets - self.fluid)
        return self

    def predict(self, points):
        return self.held + self.trees.predict(points)


def process(points, targets, limit, chance):
    """A Gaussian process with one length a dimension, on at most `limit` runs drawn by chance."""
    chosen = chance.permutation(len(points))[:limit]
    kernel = ConstantKernel(1.0) * Matern(numpy.ones(points.shape[1]), nu=2.5) + WhiteKernel(0.01)
    return GaussianProcessRegressor(kernel, normalize_y=True).fit(points[chosen], targets[chosen])


def compare(arguments):
    """Prints one row a response: median / p90 error of the model and of scikit-learn's three."""
    fitted, held = read(arguments.fitted), read(arguments.held)
    with open(arguments.evaluation) as file:
        rows = json.load(file)["rows"]
    ours = {row["accuracy"]["response"]: row["accuracy"] for row in rows}
    raw = features(fitted)
    moves = raw.std(axis=0) > 1e-9
    mean, spread = raw[:, moves].mean(axis=0), raw[:, moves].std(axis=0)
    seen, asked = (raw[:, moves] - mean) / spread, (features(held)[:, moves] - mean) / spread
    title = f"| response | held | cost model | GP of scikit-learn | gradient boosting | boosting what the fluid leaves |"
    print(f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}; "
          f"{len(seen)} runs fitted (the GP sees {min(len(seen), arguments.gp_runs)}), {len(asked)} held out; "
          "median / p90 error, per cent for times, points for shares\n")
    print(title + "\n|---|---:|---:|---:|---:|---:|")
    only = arguments.only.split(",") if arguments.only else TAIL
    for response in only:
        known = ~numpy.isnan(fitted[response]) & (fitted["stopped"] == 0)
        judged = ~numpy.isnan(held[response]) & (held["stopped"] == 0)
        if response not in ours or known.sum() < 20 or judged.sum() < 5:
            continue
        scale = Scale(response)
        values = fitted[response][known]
        if response.endswith("_share"):
            values = numpy.minimum(values, 1)
        targets = scale.forward(values)
        truth = held[response][judged]
        if response.endswith("_share"):
            truth = numpy.minimum(truth, 1)
        fluid = FLUID.get(response)
        start, there = [
            scale.forward(columns[fluid][rows]) if fluid else numpy.zeros(rows.sum())
            for columns, rows in ((fitted, known), (held, judged))]
        cells = []
        for model in (
            lambda: process(seen[known], targets, arguments.gp_runs, numpy.random.default_rng(1)),
            lambda: HistGradientBoostingRegressor(max_iter=400, learning_rate=0.06, random_state=1).fit(
                seen[known], targets),
            lambda: Residual(start, there).fit(seen[known], targets),
        ):
            predicted = scale.backward(model().predict(asked[judged]))
            errors = scale.errors(predicted, truth, held["connects_tried"][judged])
            cells.append(f"{quantile(errors, 0.5):.3g} / {quantile(errors, 0.9):.3g}")
        own = ours[response]
        cells.insert(0, f"{own['error_median']:.3g} / {own['error_p90']:.3g}")
        print(f"| {response} | {judged.sum()} | " + " | ".join(cells) + " |", flush=True)


def race(arguments):
    """Times scikit-learn on the points of ModelSpeed, and prints the ratio."""
    table = numpy.loadtxt(arguments.points, delimiter=",")
    points, targets = table[:, :-1], table[:, -1]
    kernel = ConstantKernel(1.0) * Matern(numpy.ones(points.shape[1]), nu=2.5) + WhiteKernel(0.01)
    start = time.perf_counter()
    model = GaussianProcessRegressor(kernel).fit(points, targets)
    spent = time.perf_counter() - start
    print(f"        n={len(points)}, d={points.shape[1]} with scikit-learn {sklearn.__version__}: process {spent:.3f} s, "
          f"log evidence {model.log_marginal_likelihood_value_:.2f}")
    found = [tuple(map(float, re.search(r"process ([\d.]+) s, log evidence (-?[\d.]+)", text).groups()))
             for text in (arguments.ours, arguments.plain)]
    ratio = found[0][0] / spent
    worse = model.log_marginal_likelihood_value_ - found[0][1]
    print(f"{'met   ' if ratio <= 1 and worse < 1 else 'missed'}  process with OpenBLAS: {ratio:.2f} of scikit-learn's time "
          f"at {-worse:+.2f} of its log evidence, target at most 1 at no less")
    same = abs(found[0][1] - found[1][1]) <= 1e-3 * abs(found[1][1])
    print(f"{'met   ' if same else 'missed'}  OpenBLAS and gslcblas agree: log evidence {found[0][1]} and {found[1][1]}, "
          "target to a thousandth")
    return 0 if same else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("runs")
    runs.add_argument("fitted")
    runs.add_argument("held")
    runs.add_argument("evaluation")
    runs.add_argument("--gp-runs", type=int, default=400)
    runs.add_argument("--only", default="")
    runs.set_defaults(action=compare)
    timed = commands.add_parser("process")
    timed.add_argument("points")
    timed.add_argument("ours")
    timed.add_argument("plain")
    timed.set_defaults(action=race)
    arguments = parser.parse_args()
    return arguments.action(arguments) or 0


if __name__ == "__main__":
    sys.exit(main())
