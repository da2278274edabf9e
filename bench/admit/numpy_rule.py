"""Dual mirror descent in plain NumPy, the peer of bench/admit: prints nanoseconds a decision.

    /usr/bin/python3 numpy_rule.py [requests]
"""

import sys
import time

import numpy as np

requests = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
resources, options = 4, 3
random = np.random.default_rng(1)
rewards = random.random((requests, options))
costs = random.random((requests, options, resources)) * (random.random((requests, options, resources)) < 0.6)
rho = np.array([0.15, 0.20, 0.25, 0.30])
remaining = rho * requests
prices = np.full(resources, 0.3)
eta = 3 / np.sqrt(requests)

begin = time.process_time()
for t in range(requests):
    net = rewards[t] - costs[t] @ prices
    best = int(np.argmax(net))
    used = costs[t, best] if net[best] > 0 else np.zeros(resources)
    if net[best] > 0 and np.all(used <= remaining):
        remaining -= used
    prices *= np.exp(-eta * (rho - used))
print(f"{(time.process_time() - begin) / requests * 1e9:.1f}")
