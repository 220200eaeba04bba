#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other optimizers on the tables that `s2tune evaluate strategies --tables DIR` writes.

Each table is a space that was simulated whole. Optuna's TPE and NSGA-II and pymoo's NSGA-II search
it with the same budgets, seeds and limits as s2tune's strategies. Only distinct simulations count:
asking for a point again, or for one that is no canonical safe policy, is free. Prints the share of
the true hypervolume, by optimizer and budget.

One run of an optimizer serves all budgets: what it has reached when a budget is spent is its share
for that budget, since none of them knows how long it may go on. One table is worked on at a time; a
run that takes more CPU time than --timeout ends there, with what it has, and is counted.

    s2tune evaluate strategies --tables DIR
    python3 compare.py DIR

`rivals.sh` does both in an environment with the packages of `requirements.txt`.
"""

import argparse
import datetime
import json
import multiprocessing
import pathlib
import statistics
import sys
import time
import warnings

import numpy
import optuna
import pymoo
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import ElementwiseProblem
from pymoo.core.termination import NoTermination
from pymoo.indicators.hv import HV
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling

# Beyond this many free questions a simulation, an optimizer has run out of new points.
PATIENCE = 5
POPULATION = 20


class Table:
    """A space that was simulated whole, and what a search has seen of it."""

    def __init__(self, path):
        data = json.loads(path.read_text())
        self.name = data["name"]
        self.knobs = data["knobs"]
        self.costs = [numpy.array([number(x) for x in row]) for row in data["costs"]]
        self.violations = [[number(x) for x in row] for row in data["violations"]]
        self.reference = numpy.array(data["reference"])
        self.volume = data["volume"]
        self.scores = data["scores"]
        self.index = {tuple(p): i for i, p in enumerate(data["points"])}
        self.seen = {}
        self.asked = 0

    def start(self, budgets, timeout):
        """Forgets what was seen; each of the budgets is a number of points to simulate."""
        self.seen, self.asked = {}, 0
        self.left, self.shares = sorted(budgets), []
        self.until, self.is_late = time.process_time() + timeout, False

    @property
    def done(self):
        """Whether every budget is spent; notes the share wherever one is."""
        if self.left and time.process_time() > self.until:
            self.is_late = True
        while self.left and (
            self.is_late
            or len(self.seen) >= min(self.left[0], len(self.index))
            or self.asked >= PATIENCE * self.left[0]
        ):
            self.left.pop(0)
            self.shares.append(self.share())
        return not self.left

    def choose(self, pick):
        """The levels that `pick(knob)` gives, zero where a knob does not matter."""
        levels, labels = [], {}
        for knob in self.knobs:
            active = all(labels.get(c["dimension"]) in c["levels"] for c in knob["conditions"])
            level = pick(knob) if active else 0
            levels.append(level)
            if active:
                labels[knob["name"]] = knob["levels"][level]
        return tuple(levels)

    def simulate(self, levels):
        """Costs and violations of a point, or None where it is no safe canonical policy."""
        self.asked += 1
        point = self.index.get(levels)
        if point is None or self.done:
            return None
        self.seen[point] = True
        return self.costs[point], self.violations[point]

    def share(self):
        """The share of the true hypervolume that was reached."""
        rows = [
            self.costs[p]
            for p in self.seen
            if all(v <= 0 for v in self.violations[p]) and all(self.costs[p] < self.reference)
        ]
        if not rows or self.volume <= 0:
            return 1.0 if self.volume <= 0 else 0.0
        return float(HV(ref_point=self.reference)(numpy.array(rows))) / self.volume


def number(value):
    """JSON numbers, with s2tune's texts for the others."""
    return float(value)


def limits(trial):
    return trial.user_attrs.get("violations", [1.0])


def run_optuna(table, sampler):
    study = optuna.create_study(sampler=sampler, directions=["minimize"] * len(table.reference))

    def objective(trial):
        def pick(knob):
            if knob["positions"]:
                return trial.suggest_int(knob["name"], 0, len(knob["levels"]) - 1)
            return trial.suggest_categorical(knob["name"], list(range(len(knob["levels"]))))

        found = table.simulate(table.choose(pick))
        if found is None:
            raise optuna.TrialPruned()
        trial.set_user_attr("violations", found[1] or [0.0])
        return [float(min(x, 1e9)) for x in found[0]]

    while not table.done:
        study.optimize(objective, n_trials=1)


def tpe(table, seed):
    sampler = optuna.samplers.TPESampler(
        seed=seed, constraints_func=limits, n_startup_trials=20
    )
    run_optuna(table, sampler)


def optuna_nsga2(table, seed):
    sampler = optuna.samplers.NSGAIISampler(
        seed=seed, population_size=POPULATION, constraints_func=limits
    )
    run_optuna(table, sampler)


class PymooProblem(ElementwiseProblem):
    def __init__(self, table):
        self.table = table
        super().__init__(
            n_var=len(table.knobs),
            n_obj=len(table.reference),
            n_ieq_constr=max(1, len(table.violations[0])) + 1,
            xl=numpy.zeros(len(table.knobs)),
            xu=numpy.array([len(k["levels"]) - 1 for k in table.knobs]),
            vtype=int,
        )

    def _evaluate(self, x, out, *args, **kwargs):
        places = {k["name"]: int(v) for k, v in zip(self.table.knobs, x)}
        found = self.table.simulate(self.table.choose(lambda knob: places[knob["name"]]))
        if found is None:
            out["F"] = numpy.full(self.n_obj, 1e6)
            out["G"] = numpy.full(self.n_ieq_constr, 1e3)
        else:
            out["F"] = numpy.minimum(found[0], 1e6)
            out["G"] = [min(v, 1e3) for v in (found[1] or [-1.0])] + [-1.0]


def pymoo_nsga2(table, seed):
    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=0.9, eta=3, vtype=float, repair=RoundingRepair()),
        mutation=PM(eta=3, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=False,
    )
    # Stepped by hand: `minimize` copies the problem, and the copy's table is never spent.
    algorithm.setup(PymooProblem(table), termination=NoTermination(), seed=seed)
    while not table.done:
        algorithm.next()


OPTIMIZERS = {
    f"Optuna {optuna.__version__} TPE (multi-objective)": tpe,
    f"Optuna {optuna.__version__} NSGA-II": optuna_nsga2,
    f"pymoo {pymoo.__version__} NSGA-II": pymoo_nsga2,
}


def one_run(job):
    """The shares that one optimizer with one seed reaches on one table, and whether it was late."""
    path, name, seed, budgets, timeout = job
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore")
    table = Table(path)
    table.start(budgets, timeout)
    OPTIMIZERS[name](table, seed)
    return name, table.shares, table.is_late


def own_shares(path, budget, rows):
    """Adds what s2tune's strategies reached, which stands in the table."""
    for score in json.loads(path.read_text())["scores"]:
        if score["budget"] == budget:
            rows.setdefault((f"s2tune {score['strategy']}", budget), []).extend(
                number(x) for x in score["shares"]
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=pathlib.Path, help="the directory of the tables")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of each optimizer")
    parser.add_argument("--budgets", default="100,200", help="simulations, separated by commas")
    parser.add_argument("--timeout", type=float, default=30, help="CPU seconds that one run may take")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    budgets = sorted(int(b) for b in arguments.budgets.split(","))
    paths = sorted(arguments.tables.glob("*.json"))
    if not paths:
        parser.error(f"{arguments.tables} holds no table")
    rows, late = {}, {}
    for budget in budgets:
        for path in paths:
            own_shares(path, budget, rows)
    began = time.monotonic()
    with multiprocessing.Pool(arguments.workers) as pool:
        for place, path in enumerate(paths):
            jobs = [
                (path, name, seed, budgets, arguments.timeout)
                for name in OPTIMIZERS
                for seed in range(1, arguments.seeds + 1)
            ]
            for name, shares, is_late in pool.imap_unordered(one_run, jobs):
                late[name] = late.get(name, 0) + is_late
                for budget, share in zip(budgets, shares):
                    rows.setdefault((name, budget), []).append(share)
            spent = time.monotonic() - began
            print(f"{place + 1} of {len(paths)} tables, {spent:.0f} s", file=sys.stderr)
    print(f"{len(paths)} spaces, {arguments.seeds} seeds of the others, {datetime.date.today()}")
    print(f"{'optimizer':42} {'simulations':>11} {'mean':>9} {'median':>9} {'worst':>9} {'late':>5}")
    for budget in budgets:
        for name in [n for n, b in rows if b == budget]:
            shares = rows[name, budget]
            mean, median = statistics.mean(shares), statistics.median(shares)
            print(
                f"{name:42} {budget:11} {mean:9.2%} {median:9.2%} {min(shares):9.2%}"
                f" {late.get(name, 0):5}"
            )


if __name__ == "__main__":
    main()
