"""Python's optimisers beside ours, on the same arrays in the same run: mean-variance, min-CVaR, hierarchical risk parity.

allocation.py PROGRAM [ROUNDS]: PROGRAM is ours (a release build of benches/allocation.rs), called with the folder of the arrays. Returns of 100 and
1,000 assets with a market, ten sectors and noise. Mean-variance: aversion 5, weights 0 to 0.1, sum 1; min-CVaR: level 0.95, the same limits.
Objectives must agree within 1e-6 of their value before a time counts; a peer that does not reach that is shown and left out. Best of ROUNDS (default
3), peers and ours in turn, setup of the problem from the arrays included, two threads. Versions as in requirements.txt.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

os.environ["OMP_NUM_THREADS"] = "2"
warnings.filterwarnings("ignore")

import clarabel
import daqp
import numpy as np
import osqp
import pandas as pd
import piqp
import quadprog
import scipy.sparse as sp
from pypfopt import EfficientFrontier, HRPOpt
from scipy.optimize import linprog
from skfolio import RiskMeasure
from skfolio.optimization import HierarchicalRiskParity, MeanRisk, ObjectiveFunction
from skfolio.cluster import HierarchicalClustering, LinkageMethod

AVERSION, CAP, BETA = 5.0, 0.1, 0.95
EXACT = 1e-6
# A peer that takes longer, in seconds, is run once.
SLOW = 10


def returns(n, count, seed):
    rng = np.random.default_rng(seed)
    market, sectors = 0.01 * rng.standard_normal(count), 0.006 * rng.standard_normal((count, 10))
    beta, sector, sd = 0.5 + rng.random(n), rng.integers(0, 10, n), 0.005 + 0.02 * rng.random(n)
    means = 0.0005 * rng.standard_normal(n)
    return means + market[:, None] * beta + sectors[:, sector] + sd * rng.standard_normal((count, n))


# Mean-variance: each takes (means, covariance, returns) and gives weights.


def quadratic_osqp(m, s, _):
    n, solver = len(m), osqp.OSQP()
    a = sp.vstack([sp.csc_matrix(np.ones((1, n))), sp.eye(n)]).tocsc()
    solver.setup(
        sp.triu(sp.csc_matrix(AVERSION * s)).tocsc(), -m, a, np.r_[1.0, np.zeros(n)], np.r_[1.0, np.full(n, CAP)], verbose=False,
        eps_abs=1e-8, eps_rel=1e-8, max_iter=100_000, polishing=True,
    )
    return solver.solve().x


def quadratic_clarabel(m, s, _):
    n = len(m)
    a = sp.vstack([sp.csc_matrix(np.ones((1, n))), -sp.eye(n), sp.eye(n)]).tocsc()
    b, cones = np.r_[1.0, np.zeros(n), np.full(n, CAP)], [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(2 * n)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    return np.array(clarabel.DefaultSolver(sp.triu(sp.csc_matrix(AVERSION * s)).tocsc(), -m, a, b, cones, settings).solve().x)


def quadratic_piqp(m, s, _):
    n, solver = len(m), piqp.DenseSolver()
    solver.setup(AVERSION * s, -m, np.ones((1, n)), np.array([1.0]), x_l=np.zeros(n), x_u=np.full(n, CAP))
    solver.solve()
    return np.array(solver.result.x)


def quadratic_quadprog(m, s, _):
    n = len(m)
    c = np.c_[np.ones(n), np.eye(n), -np.eye(n)]
    return quadprog.solve_qp(AVERSION * s, m, c, np.r_[1.0, np.zeros(n), np.full(n, -CAP)], 1)[0]


def quadratic_daqp(m, s, _):
    n = len(m)
    upper, lower = np.r_[np.full(n, CAP), 1.0], np.r_[np.zeros(n), 1.0]
    sense = np.r_[np.zeros(n), 5].astype(np.int32)
    return daqp.solve(AVERSION * s, -m, np.ones((1, n)), upper, lower, sense)[0]


def quadratic_pypfopt(m, s, _):
    frontier = EfficientFrontier(m, s, weight_bounds=(0, CAP))
    frontier.max_quadratic_utility(risk_aversion=AVERSION)
    return frontier.weights


def quadratic_skfolio(_m, _s, x):
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_UTILITY, risk_measure=RiskMeasure.VARIANCE, risk_aversion=AVERSION / 2, max_weights=CAP,
    )
    return model.fit(x).weights_


QUADRATIC = {
    "osqp": quadratic_osqp,
    "clarabel": quadratic_clarabel,
    "piqp": quadratic_piqp,
    "quadprog": quadratic_quadprog,
    "daqp": quadratic_daqp,
    "PyPortfolioOpt": quadratic_pypfopt,
    "skfolio": quadratic_skfolio,
}


def utility(w, m, s):
    return float(m @ w - AVERSION / 2 * w @ s @ w)


# Min-CVaR as the linear program of Rockafellar and Uryasev.


def tail_highs(method):
    def solve(x):
        count, n = x.shape
        cost = np.r_[np.zeros(n), 1.0, np.full(count, 1 / ((1 - BETA) * count))]
        a = sp.hstack([sp.csr_matrix(-x), sp.csr_matrix(-np.ones((count, 1))), -sp.eye(count)]).tocsr()
        budget = sp.csr_matrix(np.r_[np.ones(n), np.zeros(count + 1)][None, :])
        bounds = np.r_[np.tile([0, CAP], (n, 1)), [[-np.inf, np.inf]], np.tile([0, np.inf], (count, 1))]
        return linprog(cost, a, np.zeros(count), budget, [1.0], bounds, method=method).x[:n]

    return solve


TAIL = {f"scipy {m}": tail_highs(m) for m in ("highs-ds", "highs-ipm")}


def cvar(w, x):
    losses, worst = np.sort(-x @ w)[::-1], (1 - BETA) * len(x)
    return float(np.clip(worst - np.arange(len(x)), 0, 1) @ losses / worst)


# Hierarchical risk parity.


def tree_pypfopt(s, _):
    weights = HRPOpt(cov_matrix=pd.DataFrame(s)).optimize()
    return np.array([weights[i] for i in range(len(s))])


def tree_skfolio(_s, x):
    clustering = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    return HierarchicalRiskParity(hierarchical_clustering_estimator=clustering).fit(x).weights_


TREE = {"PyPortfolioOpt": tree_pypfopt, "skfolio": tree_skfolio}


def timed(run, *arrays):
    begin = time.perf_counter()
    made = run(*arrays)
    return time.perf_counter() - begin, made


def measure(task, peers, arrays, value, found, ours):
    """Best times of the peers that reach our objective; the largest of all relative errors is told."""
    for who, run in peers.items():
        if found.get(task, {}).get(who, {}).get("s", 0) > SLOW:
            continue
        try:
            seconds, w = timed(run, *arrays)
            error = value(w)
        except Exception as e:  # a peer that fails is a result too
            found.setdefault(task, {})[who] = {"failed": f"{type(e).__name__}: {e}"[:120]}
            continue
        known = found.setdefault(task, {}).setdefault(who, {"s": seconds, "error": error})
        known.update(s=min(known["s"], seconds), error=error)
    known = found[task].setdefault("cst", ours)
    known["s"] = min(known["s"], ours["s"])


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    panels = {100: returns(100, 500, 1), 1_000: returns(1_000, 2_000, 2)}
    tails = {(100, 500): panels[100], (500, 2_000): panels[1_000][:, :500]}
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        moments = {n: (x.mean(0), np.cov(x.T)) for n, x in panels.items()}
        for n, (m, s) in moments.items():
            m.tofile(folder / f"means_{n}.f64")
            s.tofile(folder / f"covariance_{n}.f64")
        for (n, count), x in tails.items():
            np.ascontiguousarray(x.T).tofile(folder / f"returns_{n}x{count}.f64")
        for _ in range(rounds):
            ours = json.loads(subprocess.run([program, str(folder)], check=True, capture_output=True, text=True).stdout)
            for n, (m, s) in moments.items():
                task = f"mean_variance_{n}"
                objective = ours[task]["objective"]
                measure(task, QUADRATIC, (m, s, panels[n]), lambda w: 1 - utility(w, m, s) / objective, found, ours[task])
                task = f"hrp_{n}"
                weights = np.array(ours[task].pop("weights"))
                measure(task, TREE, (s, panels[n]), lambda w: float(np.abs(w - weights).max()), found, ours[task])
                found.setdefault("more", {}).update({k: ours[k] for k in (f"min_variance_{n}", f"equal_risk_{n}")})
            for (n, count), x in tails.items():
                task = f"min_cvar_{n}x{count}"
                objective = ours[task]["objective"]
                measure(task, TAIL, (x,), lambda w: cvar(w, x) / objective - 1, found, ours[task])
    for task, by in found.items():
        print(json.dumps({task: by}))
        exact = {w: f["s"] for w, f in by.items() if w != "cst" and abs(f.get("error", 1)) <= EXACT}
        if exact:
            best = min(exact, key=exact.get)
            print(json.dumps({"task": task, "best exact peer": best, "times faster": round(exact[best] / by["cst"]["s"], 1)}))


if __name__ == "__main__":
    main()
