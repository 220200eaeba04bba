#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other optimizers on the tables that `s2tune evaluate search --tables DIR` writes.

Each table is a space that was simulated whole. Optuna's TPE and NSGA-II and pymoo's NSGA-II search
it with the same budgets, seeds and limits as s2tune's strategies. Only distinct simulations count:
asking for a point again, or for one that is no canonical safe policy, is free. Prints the share of
the true hypervolume, by optimizer and budget.

    pip install -r requirements.txt
    s2tune evaluate search --tables DIR
    python3 compare.py DIR
"""

import argparse
import json
import pathlib
import statistics
import warnings

import numpy
import optuna
import pymoo
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import ElementwiseProblem
from pymoo.core.termination import Termination
from pymoo.indicators.hv import HV
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

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

    def start(self, budget):
        """Forgets what was seen; at most `budget` points may be simulated."""
        self.seen, self.asked, self.budget = {}, 0, budget

    @property
    def done(self):
        return len(self.seen) >= min(self.budget, len(self.index)) or (
            self.asked >= PATIENCE * self.budget
        )

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
        if point is None or (point not in self.seen and len(self.seen) >= self.budget):
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


def run_optuna(table, sampler, budget):
    table.start(budget)
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
    return table.share()


def tpe(table, seed, budget):
    sampler = optuna.samplers.TPESampler(
        seed=seed, constraints_func=limits, n_startup_trials=20
    )
    return run_optuna(table, sampler, budget)


def optuna_nsga2(table, seed, budget):
    sampler = optuna.samplers.NSGAIISampler(
        seed=seed, population_size=POPULATION, constraints_func=limits
    )
    return run_optuna(table, sampler, budget)


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


class UntilSpent(Termination):
    """The budget is spent."""

    def __init__(self, table):
        super().__init__()
        self.table = table

    def _update(self, algorithm):
        return 1.0 if self.table.done else 0.0


def pymoo_nsga2(table, seed, budget):
    table.start(budget)
    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=0.9, eta=3, vtype=float, repair=RoundingRepair()),
        mutation=PM(eta=3, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=False,
    )
    minimize(PymooProblem(table), algorithm, termination=UntilSpent(table), seed=seed)
    return table.share()


OPTIMIZERS = {
    f"Optuna {optuna.__version__} TPE (multi-objective)": tpe,
    f"Optuna {optuna.__version__} NSGA-II": optuna_nsga2,
    f"pymoo {pymoo.__version__} NSGA-II": pymoo_nsga2,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=pathlib.Path, help="the directory of the tables")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of each optimizer")
    parser.add_argument("--budgets", default="100,200", help="simulations, separated by commas")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore")
    tables = [Table(path) for path in sorted(arguments.tables.glob("*.json"))]
    if not tables:
        parser.error(f"{arguments.tables} holds no table")
    print(f"{len(tables)} spaces, {arguments.seeds} seeds")
    print(f"{'optimizer':42} {'simulations':>11} {'mean':>9} {'median':>9} {'worst':>9}")
    for budget in [int(b) for b in arguments.budgets.split(",")]:
        rows = {}
        for table in tables:
            for score in table.scores:
                if score["budget"] == budget:
                    name = f"s2tune {score['strategy']}"
                    rows.setdefault(name, []).extend(number(x) for x in score["shares"])
        for name, run in OPTIMIZERS.items():
            rows[name] = [
                run(table, seed, budget)
                for table in tables
                for seed in range(1, arguments.seeds + 1)
            ]
        for name, shares in rows.items():
            mean, median = statistics.mean(shares), statistics.median(shares)
            print(f"{name:42} {budget:11} {mean:9.2%} {median:9.2%} {min(shares):9.2%}")


if __name__ == "__main__":
    main()
