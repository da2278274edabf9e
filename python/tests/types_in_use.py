"""What a user of the package writes, for mypy --strict; it is not run."""

import numpy as np

import bursar
from bursar import admit, agree, allocate, explore, schedule

best: allocate.Choice = allocate.choose(np.zeros((2, 2)), [[0, 1], [0, 1]], 1.0)
total: float = best.value + best.cost.sum()
policy: admit.Policy = admit.make("greedy", [1.0], horizon=5)
option: int | None = policy.decide(rewards=[1.0], costs=[1.0]).option
rate: float = schedule.Schedule("rex", steps=5)(3)
point: float = agree.decide([0.1])
play: explore.Play = explore.play(explore.make("ucb1", arms=2), np.zeros((4, 2)))
left: str = bursar.Client().account("acme")["limits"][0]["left"]
