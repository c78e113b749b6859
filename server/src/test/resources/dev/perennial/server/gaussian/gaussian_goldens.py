"""Writes gaussians.json: see README.md."""
import json
import math
import os
import sys

import numpy as np

SCALE = 2.0**14


def quantised(f):
    return np.floor(f.astype(np.float64) * SCALE + 0.5) / SCALE


def oas(sample):
    """sklearn.covariance.oas, on the covariance with divisor n."""
    n, d = sample.shape
    centred = sample - sample.mean(0)
    c = centred.T @ centred / n
    a = (c**2).mean()
    m2 = (np.trace(c) / d) ** 2
    denominator = (n + 1) * (a - m2 / d)
    return 1.0 if denominator == 0 else min(1.0, (a + m2) / denominator)


def fit(sample, kind):
    n, d = sample.shape
    centred = sample - sample.mean(0)
    s = centred.T @ centred / (n - 1)
    if kind == "ROBUST":
        rho = oas(sample)
        s = (1 - rho) * s + rho * np.trace(s) / d * np.eye(d)
    return sample.mean(0), s + 1e-7 * np.eye(d)


def log_density(f, mean, sigma):
    d = len(mean)
    x = f.astype(np.float64) - mean
    return -0.5 * (
        d * math.log(2 * math.pi)
        + np.linalg.slogdet(sigma)[1]
        + np.einsum("bi,bi->b", x, np.linalg.solve(sigma, x.T).T)
    )


def folds(class_of, classes):
    order = [r for c in range(classes) for r in range(len(class_of)) if class_of[r] == c]
    return [order[k::5] for k in range(5)]


def case(name, n, d, classes, seed):
    g = np.random.default_rng(seed)
    centres = g.normal(size=(classes, d)) * 0.5
    class_of = np.array([i % classes for i in range(n)])
    f = centres[class_of] + 0.3 * g.normal(size=(n, d)) + 1.0
    f = (f / np.linalg.norm(f, axis=1, keepdims=True)).astype(np.float32)
    probes = g.normal(size=(3, d))
    probes = (probes / np.linalg.norm(probes, axis=1, keepdims=True)).astype(np.float32)
    q = quantised(f)
    out = dict(
        name=name,
        dimension=d,
        classes=classes,
        features=[float(v) for v in f.ravel()],
        classOf=class_of.tolist(),
        probes=[float(v) for v in probes.ravel()],
        mean=q.mean(0).tolist(),
        shrinkage=oas(q),
    )
    for kind in ("PAPER", "ROBUST"):
        mean, sigma = fit(q, kind)
        judged = []
        for fold in folds(class_of, classes):
            rest = [r for r in range(n) if r not in fold]
            judged += log_density(f[fold], *fit(q[rest], kind)).tolist()
        out[kind] = dict(
            covariance=sigma[np.triu_indices(d)].tolist(),
            logDensities=log_density(probes, mean, sigma).tolist(),
            ownLogDensities=log_density(f, mean, sigma).tolist(),
            crossFittedMean=float(np.mean(judged)),
            crossFittedStd=float(np.std(judged, ddof=1)),
        )
    return out


if __name__ == "__main__":
    cases = [
        case("more rows than dimensions", 40, 6, 3, 1),
        case("fewer rows than dimensions", 11, 16, 2, 2),
        case("one class", 9, 5, 1, 3),
    ]
    target = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "gaussians.json")
    with open(target, "w") as out:
        json.dump(cases, out, separators=(",", ":"))
