#!/usr/bin/env python3
"""The peers of `ga_quality`, on the same problems: pymoo's GA, SciPy's differential evolution and pycma.

Not part of CI. Run it when a peer or a problem changes, and commit what it writes:

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install numpy==2.4.6 scipy==1.17.1 cma==4.5.0 pymoo==0.6.2
    cargo run --release -p benches --bin ga_quality -- --problems > /tmp/problems.json
    /tmp/peers/bin/python benches/ga_quality/peers.py /tmp/problems.json > benches/ga_quality/peers.json

Settings: those with which each peer comes nearest to the table that was measured elsewhere. pymoo and SciPy have a population of 20, for their
own defaults (100 and 150) are not meant for 1,000 evaluations; pycma starts at a random point with a deviation of 0.3 widths.
"""

import importlib.metadata
import json
import sys
import warnings

import cma
import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.problem import ElementwiseProblem
from pymoo.optimize import minimize
from scipy.optimize import differential_evolution

warnings.filterwarnings("ignore")


class Spent(Exception):
    """The budget is used up."""


class Budget:
    """A cost that counts its evaluations and keeps the least value."""

    def __init__(self, problem, evaluations):
        self.problem, self.left, self.least = problem, evaluations, np.inf

    def __call__(self, x):
        if self.left == 0:
            raise Spent
        self.left -= 1
        value = cost(self.problem, np.asarray(x, dtype=float))
        self.least = min(self.least, value)
        return value


def cost(problem, x):
    """The value at a point; the same as `Problem::value` of problems.rs."""
    z = x - np.asarray(problem["shift"])
    n = len(z)
    if problem["rotation"] is not None:
        z = np.asarray(problem["rotation"]).reshape(n, n) @ z
    name = problem["function"]
    if name == "sphere":
        value = (z * z).sum()
    elif name == "ellipsoid":
        value = (10.0 ** (6.0 * np.arange(n) / max(n - 1, 1)) * z * z).sum()
    elif name == "rastrigin":
        value = 10 * n + (z * z - 10 * np.cos(2 * np.pi * z)).sum()
    elif name == "ackley":
        waves = np.exp(np.cos(2 * np.pi * z).mean())
        value = -20 * np.exp(-0.2 * np.sqrt((z * z).mean())) - waves + 20 + np.e
    elif name == "griewank":
        waves = np.cos(z / np.sqrt(np.arange(1, n + 1))).prod()
        value = (z * z).sum() / 4000 - waves + 1
    elif name == "rosenbrock":
        y = z + 1
        value = (100 * (y[1:] - y[:-1] ** 2) ** 2 + (1 - y[:-1]) ** 2).sum()
    else:
        raise ValueError(name)
    return float(value)


def pymoo_ga(spend, problem, seed):
    class Wrapped(ElementwiseProblem):
        def __init__(self):
            lower, upper = problem["lower"], problem["upper"]
            super().__init__(n_var=len(problem["shift"]), n_obj=1, xl=lower, xu=upper)

        def _evaluate(self, x, out, *_, **__):
            out["F"] = spend(x)

    minimize(Wrapped(), GA(pop_size=20), ("n_eval", spend.left), seed=seed, verbose=False)


def scipy_de(spend, problem, seed):
    n = len(problem["shift"])
    bounds = [(problem["lower"], problem["upper"])] * n
    popsize = max(1, round(20 / n))
    differential_evolution(
        spend, bounds, popsize=popsize, maxiter=10**6, seed=seed, polish=False, tol=0
    )


def pycma(spend, problem, seed):
    lower, upper = problem["lower"], problem["upper"]
    start = np.random.default_rng(seed).uniform(lower, upper, len(problem["shift"]))
    options = {"bounds": [lower, upper], "seed": seed + 1, "verbose": -9}
    cma.CMAEvolutionStrategy(start, 0.3 * (upper - lower), options).optimize(spend)


PEERS = {"pymoo_ga": pymoo_ga, "scipy_de": scipy_de, "pycma": pycma}


def least(peer, problem, evaluations, seed):
    spend = Budget(problem, evaluations)
    try:
        peer(spend, problem, seed)
    except Spent:
        pass
    return spend.least


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        given = json.load(file)
    evaluations = given["evaluations"]
    packages = ["numpy", "scipy", "cma", "pymoo"]
    written = {
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "evaluations": evaluations,
        "medians": {},
    }
    for kind in ["shifted", "rotated"]:
        medians = written["medians"][kind] = {}
        for name, problems in given[kind].items():
            row = medians[name] = {}
            for peer, run in PEERS.items():
                runs = [least(run, p, evaluations, seed) for seed, p in enumerate(problems)]
                row[peer] = float(np.median(runs))
            print(kind, name, row, file=sys.stderr, flush=True)
    json.dump(written, sys.stdout, indent=1)
    print()


main()
