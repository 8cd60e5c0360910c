"""scikit-learn's and LightGBM's forests and scikit-learn's elastic net beside ours, on the same arrays in the same run.

fits.py PROGRAM [ROUNDS]: PROGRAM is ours (a release build of benches/fits.rs), called with the folder of the arrays. 50,000 rows of the arrays of
boosting.py and 50,000 further rows to judge on. Forest: 100 trees, depth 8, 8 columns per split, 20 rows in a leaf, two threads, for the event that
the target is above its median; judged by log loss. Elastic net: penalty 0.01, half of it L1, tolerance 1e-8; judged by R². Best of ROUNDS (default 2),
peers and ours in turn. Versions as in requirements.txt.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["OMP_NUM_THREADS"] = "2"

import lightgbm as lgb
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import ElasticNet

from boosting import arrays, least, r2, timed

ROWS = 50_000


def log_loss(up, p):
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.where(up > 0.5, np.log(p), np.log(1 - p)).mean())


def sklearn_forest(x, up):
    model = RandomForestClassifier(100, max_depth=8, max_features=8, min_samples_leaf=20, n_jobs=2, random_state=1)
    return model.fit(x, up)


def lightgbm_forest(x, up):
    params = dict(
        objective="binary", boosting="rf", num_leaves=256, max_depth=8, min_data_in_leaf=20, bagging_freq=1, bagging_fraction=0.632,
        feature_fraction_bynode=8 / 60, num_threads=2, max_bin=255, verbose=-1,
    )
    return lgb.train(params, lgb.Dataset(x, up), 100)


def sklearn(x, y, up, x_test, y_test, up_test):
    forest_s, forest = timed(lambda: sklearn_forest(x, up))
    wide = x.astype(np.float64)
    net_s, net = timed(lambda: ElasticNet(alpha=0.01, l1_ratio=0.5, tol=1e-8, max_iter=50_000).fit(wide, y))
    return {
        "forest_s": forest_s,
        "forest_log_loss": log_loss(up_test, forest.predict_proba(x_test)[:, 1]),
        "net_s": net_s,
        "net_r2": r2(y_test, net.predict(x_test)),
    }


def lightgbm(x, y, up, x_test, y_test, up_test):
    forest_s, forest = timed(lambda: lightgbm_forest(x, up))
    return {"forest_s": forest_s, "forest_log_loss": log_loss(up_test, forest.predict(x_test))}


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2
    x, y, x_test, y_test = arrays()
    x, y = x[:ROWS], y[:ROWS]
    middle = np.median(y)
    up, up_test = (y > middle).astype(np.float32), (y_test > middle).astype(np.float32)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        arrays_by_name = {"x": x.T, "y": y, "up": up, "x_test": x_test.T, "y_test": y_test, "up_test": up_test}
        for file, a in arrays_by_name.items():
            np.ascontiguousarray(a, dtype="<f4").tofile(folder / f"{file}.f32")
        for _ in range(rounds):
            for who, run in {"scikit-learn": sklearn, "lightgbm": lightgbm}.items():
                found[who] = least(found.get(who, {}), run(x, y, up, x_test, y_test, up_test))
            env = dict(os.environ, RAYON_NUM_THREADS="2")
            out = subprocess.run([program, str(folder)], check=True, capture_output=True, text=True, env=env).stdout
            found["cst"] = least(found.get("cst", {}), json.loads(out))
    for who, figures in found.items():
        print(json.dumps({"who": who, **figures}))
    fastest = {k: min(f[k] for w, f in found.items() if w != "cst" and k in f) for k in ("forest_s", "net_s")}
    print(json.dumps({"times faster than the fastest peer": {k: round(v / found["cst"][k], 2) for k, v in fastest.items()}}))


if __name__ == "__main__":
    main()
