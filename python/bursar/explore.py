"""Spending in order to learn: bandits by name, with or without a budget.

    bandit = explore.make("ucb1", arms=3, horizon=10_000)
    decision = bandit.decide()
    bandit.observe(decision.id, reward=run(decision.option))      # at once, late, out of order, or never
    explore.beliefs(bandit).mean                                  # of every arm, with confidence bounds
    state = bandit.save()                                         # explore.restore(state) goes on

Also: the best arm under differential privacy (`PrivateBestArm`, with a `PrivacyAccountant`), and samples for groups by
their learning curves (`plan_groups` for known ones, `AdaptiveSampler`).

Which one for what: docs/explore.md; every name and parameter: `policies()`. The same names hold in the gateway
(`/v1/decide`) and on the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from . import _native
from ._native import Decision, Policy, PrivacyAccountant, PrivateBestArm
from ._policies import Parameter, PolicyEntry, entries

if TYPE_CHECKING:
    from ._types import DoubleArray, Int64Array, Numbers, Tables

__all__ = ["AdaptiveSampler", "Beliefs", "Decision", "EquityPlan", "Group", "Parameter", "Play", "Policy",
           "PolicyEntry", "PrivacyAccountant", "PrivateBestArm", "SamplerReport", "beliefs", "make", "plan_groups",
           "play", "policies", "regret_bound", "restore"]


def policies() -> tuple[PolicyEntry, ...]:
    """What make() can make, with every parameter and its default."""
    return entries("explore")


def make(policy: str, budget: float | Numbers | None = None, *, horizon: int = 0, resources: Sequence[str] = (),
         **parameters: Any) -> Policy:
    """A bandit by its name, or by the words of the command line ("ucb1:arms=3").

    Args:
        policy: the name.
        budget: [resources], or a number; None: only rewards count.
        horizon: rounds; 0: not known.
        resources: their names, or none.
        parameters: of the bandit: `arms`, `seed`, the range of rewards `low` and `high`, …; policies() lists them.
    """
    return _native.make_policy("explore", policy, budget, list(resources), horizon, parameters)


def restore(saved: Mapping[str, Any]) -> Policy:
    """The bandit whose save() gave `saved`; it chooses as that one would, to the last bit."""
    return _native.restore_policy("explore", dict(saved))


@dataclass(frozen=True, eq=False)
class Beliefs:
    """[arms]: mean reward, its confidence bounds, and how many rewards were learned."""

    mean: DoubleArray
    low: DoubleArray
    high: DoubleArray
    pulls: DoubleArray


def beliefs(policy: Policy) -> Beliefs:
    """What a bandit thinks of its arms now."""
    return Beliefs(**_native.beliefs(policy))


def regret_bound(policy: Policy, rounds: float) -> float | None:
    """The proved bound on the expected regret over so many rounds; None where none is known."""
    return _native.regret_bound(policy, rounds)


@dataclass(frozen=True, eq=False)
class Play:
    """What a bandit did with a table of rewards.

    Attributes:
        options: [rounds], the arm chosen, -1 for none.
        rewards: [rounds], what it was worth.
        reward: the sum.
        best: what the best single arm would have earned.
        regret: best - reward.
    """

    options: Int64Array
    rewards: DoubleArray
    reward: float
    best: float
    regret: float


def play(policy: Policy, rewards: Tables, *, costs: Tables | None = None, context: Tables | None = None,
         delay: int = 0) -> Play:
    """Plays a table of rewards, of which the bandit sees only what it chose; it goes on from the state it has.

    Args:
        policy: of make() or restore().
        rewards: [rounds, arms].
        costs: [arms, resources] or [rounds, arms, resources]: expected, and paid.
        context: [rounds, features] or [rounds], as the bandit says.
        delay: choices between one and its reward.
    """
    options, earned = _native.play(policy, rewards, costs, context, delay)
    best, reward = float(np.max(np.sum(rewards, axis=0))), float(earned.sum())
    return Play(options, earned, reward, best, best - reward)



@dataclass(frozen=True)
class Group:
    """A group that is served: price of a sample, weight (the user's value judgement), bounds of its samples."""

    name: str
    cost: float = 1.0
    weight: float = 1.0
    least: int = 1
    most: int = 1 << 40


def _specs(groups: Sequence[Group]) -> list[_native.GroupSpec]:
    return _native.equity_groups([g.name for g in groups], [float(g.cost) for g in groups],
                                 [float(g.weight) for g in groups], [g.least for g in groups], [g.most for g in groups])


@dataclass(frozen=True, eq=False)
class EquityPlan:
    """Samples for groups whose learning curves are known.

    Attributes:
        counts: [groups], whole samples.
        errors: [groups], at these counts.
        marginals: [groups], decrease of the loss per unit of budget.
        spent: of the budget.
        loss, bound: sum of weight x error^q; no plan has less than `bound`.
        price: decrease of the loss for one more unit of budget.
        price_of_equity: what equity costs the average error.
        worst_error: of any group.
    """

    counts: Int64Array
    errors: DoubleArray
    marginals: DoubleArray
    spent: float
    loss: float
    bound: float
    price: float
    price_of_equity: float
    worst_error: float


def plan_groups(groups: Sequence[Group], curves: Tables, budget: float, *, q: float = 2.0) -> EquityPlan:
    """Splits a budget of samples over groups with known curves a + b n^-gamma.

    Args:
        groups: who is served.
        curves: [groups, 3]: a, b, gamma.
        q: 1 minimises the weighted average error; larger ones care for the worst.
    """
    return EquityPlan(**_native.equity_plan(_specs(groups), curves, q, budget))


@dataclass(frozen=True, eq=False)
class SamplerReport:
    """[groups]: errors as the curves have them, their deviations, marginals; and what is spent and left."""

    errors: DoubleArray
    deviations: DoubleArray
    marginals: DoubleArray
    spent: float
    left: float
    loss: float
    price_of_equity: float


class AdaptiveSampler:
    """Buys samples for groups, batch after batch, while their learning curves are still being learned.

        while wanted := sampler.request():
            group, count = wanted
            sampler.bought(buy(group, count))
            for n in sampler.record_sizes(group):
                sampler.observe(group, n, *train_and_validate(group, n))     # error and its variance

    Args:
        groups: who is served.
        budget: in the unit of their costs; never exceeded.
        q: as for plan_groups().
        batch: of budget a batch; 0: a fortieth.
        seed_count: samples of every group to begin with; 0: chosen.
        tolerance: stops where what is left would decrease the loss by less.
        thompson: decide by a draw of the curves instead of their mean.
        seed: of the draws.
    """

    def __init__(self, groups: Sequence[Group], budget: float, *, q: float = 2.0, batch: float = 0.0,
                 seed_count: int = 0, tolerance: float = 0.0, thompson: bool = False, seed: int = 0) -> None:
        self._native = _native.AdaptiveSampler(_specs(groups), budget, q, batch, seed_count, tolerance, thompson, seed)

    def request(self) -> tuple[int, int] | None:
        """(group, count) to buy now; None when the budget is spent or nothing more is worth it."""
        return self._native.request()

    def bought(self, count: int) -> None:
        """So many samples of the group that was asked for came; 0: nobody sells any more."""
        self._native.bought(count)

    def record_sizes(self, group: int) -> list[int]:
        """The sizes at which to measure a group that grew."""
        return [int(n) for n in self._native.record_sizes(group)]

    def observe(self, group: int, n: int, error: float, variance: float) -> None:
        """The error of a model that was trained on n of the group's samples, and its variance."""
        self._native.observe(group, n, error, variance)

    @property
    def counts(self) -> Int64Array:
        """[groups]: samples bought."""
        return self._native.counts

    @property
    def spent(self) -> float:
        """Of the budget."""
        return self._native.spent

    def report(self) -> SamplerReport:
        """What is believed and spent now."""
        return SamplerReport(**self._native.report())

    def save(self) -> dict[str, Any]:
        """The whole state as a dict that json can write."""
        return self._native.save()

    @classmethod
    def restore(cls, saved: Mapping[str, Any]) -> AdaptiveSampler:
        """The sampler whose save() gave `saved`."""
        made = cls.__new__(cls)
        made._native = _native.AdaptiveSampler.restore(dict(saved))
        return made
