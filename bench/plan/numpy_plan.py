"""The sheets' formulations of bench/plan in Python and NumPy: prints microseconds.

    /usr/bin/python3 numpy_plan.py okg QUESTIONS       # a step: the largest gain, then the gain of that question anew
    /usr/bin/python3 numpy_plan.py dora CANDIDATES     # a split, similarities given
    /usr/bin/python3 numpy_plan.py mcpp FILE           # a simulated run of the workflow that FILE describes
"""

import heapq
import sys
import time

import numpy as np

random = np.random.default_rng(1)


def okg(questions):
    """500 draws of Gamma variables for P(option is the largest), as in the published code."""
    options, steps = 4, 2000
    alpha = np.ones((questions, options))

    def sure(a):
        return np.bincount(random.gamma(a, size=(500, options)).argmax(1), minlength=options).max() / 500

    def gain(a):
        return max(sure(a + np.eye(options)[m]) for m in range(options)) - sure(a)

    gains = np.full(questions, gain(alpha[0]))
    votes = random.integers(0, options, steps)
    begin = time.process_time()
    for vote in votes:
        q = int(np.argmax(gains))
        alpha[q, vote] += 1
        gains[q] = gain(alpha[q])
    return (time.process_time() - begin) / steps


def dora(k):
    scores = random.random(k)
    embedding = random.standard_normal((k, 64)) + 4 * random.standard_normal((16, 64))[random.integers(0, 16, k)]
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    similarity = embedding @ embedding.T
    repeats = 200
    begin = time.process_time()
    for _ in range(repeats):
        w = np.exp((scores - scores.max()) / 0.1)
        w /= w.sum()
        p = np.exp((similarity - similarity.max(1, keepdims=True)) / 0.01)
        unique = np.diag(p) / p.sum(1)
        w = w * unique
        w /= w.sum()
        np.floor(np.cumsum(w) * k + 0.5)
    return (time.process_time() - begin) / repeats


def mcpp(path):
    """One event simulation: a heap of ends of batches, each batch drawn at its start."""
    lines = open(path, encoding="utf-8").read().split("\n")
    budget, deadline = map(float, lines[0].split())
    nodes = [(float(p), float(mu), float(sigma), float(mean), float(usd), [int(x) for x in parents])
             for p, mu, sigma, mean, usd, *parents in (line.split() for line in lines[1:] if line)]

    def run(k):
        left, done, ready, ends = budget, set(), {v for v, n in enumerate(nodes) if not n[5]}, []
        now = 0.0
        while True:
            for v in sorted(ready):
                p, mu, sigma, mean, usd, _ = nodes[v]
                ms = random.lognormal(mu, sigma, k)
                left -= usd * ms.sum() / mean
                end = now + ms.max()
                if left < 0 or end > deadline:
                    return False
                heapq.heappush(ends, (end, v, bool((random.random(k) < p).any())))
            ready = set()
            if not ends:
                return len(done) == len(nodes)
            now, v, success = heapq.heappop(ends)
            if success:
                done.add(v)
                ready = {c for c, n in enumerate(nodes) if v in n[5] and c not in done and all(x in done for x in n[5])}
            else:
                ready = {v}

    runs = 2000
    begin = time.process_time()
    for i in range(runs):
        run((1, 2, 4, 8)[i % 4])
    return (time.process_time() - begin) / runs


what, argument = sys.argv[1], sys.argv[2]
print(f"{({'okg': okg, 'dora': dora}[what](int(argument)) if what != 'mcpp' else mcpp(argument)) * 1e6:.2f}")
