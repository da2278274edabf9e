"""The rules of bench/explore in plain NumPy: prints microseconds a decision (choose and learn together).

    /usr/bin/python3 numpy_bandits.py ucb1|thompson|exp3-ix|lin-ucb ARMS DECISIONS
"""

import sys
import time

import numpy as np

rule, arms, decisions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random = np.random.default_rng(1)
means = random.random(arms)
rewards = random.random(decisions)


def ucb1():
    n, m = np.ones(arms), means.copy()
    scale = 2 * np.log(1e6)
    for u in rewards:
        a = int(np.argmax(m + np.sqrt(scale / n)))
        n[a] += 1
        m[a] += ((u < means[a]) - m[a]) / n[a]


def thompson():
    a, b = np.ones(arms), np.ones(arms)
    for u in rewards:
        arm = int(np.argmax(random.beta(a, b)))
        won = u < means[arm]
        a[arm] += won
        b[arm] += 1 - won


def exp3_ix():
    eta = np.sqrt(2 * np.log(arms) / (arms * 1e6))
    loss = np.zeros(arms)
    for u in rewards:
        w = np.exp(-eta * (loss - loss.min()))
        p = w / w.sum()
        a = int(np.searchsorted(np.cumsum(p), random.random()))
        a = min(a, arms - 1)
        loss[a] += (u >= means[a]) / (p[a] + eta / 2)


def lin_ucb():
    d = 64
    inverse, b = np.eye(d), np.zeros(d)
    features = random.standard_normal((16, arms, d)) / np.sqrt(d)
    for t, u in enumerate(rewards):
        x = features[t % 16]
        theta = inverse @ b
        a = int(np.argmax(x @ theta + np.sqrt(np.einsum("ai,ai->a", x @ inverse, x))))
        v = inverse @ x[a]
        inverse -= np.outer(v, v) / (1 + v @ x[a])
        b += u * x[a]


begin = time.process_time()
{"ucb1": ucb1, "thompson": thompson, "exp3-ix": exp3_ix, "lin-ucb": lin_ucb}[rule]()
print(f"{(time.process_time() - begin) / decisions * 1e6:.3f}")
