"""Requests arrive one at a time, each answer is final, and a budget must last: policies by name.

    policy = admit.make("dual-mirror-descent", budget=[6.0, 1e6], horizon=2000, mirror="entropy")
    decision = policy.decide(rewards=worth, costs=estimates, holds=most)    # [options], [options, resources] twice
    if decision.option is not None:
        policy.observe(decision.id, costs=paid)                             # at once, late, or never
    state = policy.save()                                                   # a dict; admit.restore(state) goes on

The same names and parameters hold on the command line, in HTTP and in the configuration: `bursar admit policies`, or
`policies()` here. Deciding nothing is always an option.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from . import _native
from ._native import Decision, Policy
from ._policies import Parameter, PolicyEntry, entries
from .errors import InvalidArgument

if TYPE_CHECKING:
    from ._types import DoubleArray, Int64Array, Integers, Numbers, Tables

__all__ = ["Decision", "Parameter", "Policy", "PolicyEntry", "Replay", "Run", "make", "policies", "replay", "restore"]


def policies() -> tuple[PolicyEntry, ...]:
    """What make() can make, with every parameter and its default."""
    return entries("admit")


def make(policy: str, budget: float | Numbers, *, horizon: int = 0, resources: Sequence[str] = (),
         **parameters: Any) -> Policy:
    """A policy by its name, or by the words of the command line ("dual-mirror-descent:mirror=entropy").

    Args:
        policy: the name.
        budget: [resources], each > 0; or a number, where there is one resource.
        horizon: requests that the budget must last; 0: not known.
        resources: their names, or none.
        parameters: of the policy; those that are missing have their defaults.

    Raises:
        NotFound: no such policy; the message names the nearest.
        InvalidArgument: a parameter that is unknown, missing or out of its range.
    """
    return _native.make_policy("admit", policy, budget, list(resources), horizon, parameters)


def restore(saved: Mapping[str, Any]) -> Policy:
    """The policy whose save() gave `saved`; it decides as that one would, to the last bit."""
    return _native.restore_policy("admit", dict(saved))


@dataclass(frozen=True, eq=False)
class Run:
    """What one policy did with a stream.

    Attributes:
        policy: as it was named.
        requests, taken: how many came, and how many options were taken or auctions won.
        short_of_budget: how often the best option did not fit.
        reward: earned, in all.
        spent, prices: [resources], at the end.
        overspent: [resources], real costs above the holds, beyond the budget.
        point_requests, point_reward: [points], the curve.
        point_spent, point_prices: [points, resources].
    """

    policy: str
    requests: int
    taken: int
    short_of_budget: int
    reward: float
    spent: DoubleArray
    prices: DoubleArray
    overspent: DoubleArray
    point_requests: Int64Array
    point_reward: DoubleArray
    point_spent: DoubleArray
    point_prices: DoubleArray


@dataclass(frozen=True, eq=False)
class Replay:
    """A run for each policy, and what no policy can exceed on this stream (None where it was not asked for)."""

    runs: tuple[Run, ...]
    bound: float | None


def replay(policies: str | Sequence[str], rewards: Tables, costs: Tables | None = None, *, budget: float | Numbers,
           prices: Numbers | None = None, holds: Tables | None = None, actual_rewards: Tables | None = None,
           actual_costs: Tables | None = None, context: Tables | None = None, time_s: Numbers | None = None,
           first: Integers | None = None, horizon: int | None = None, delay: int = 0, goal: str = "utility",
           bound: bool = True) -> Replay:
    """A recorded stream under one policy or several, each from its beginning.

    Args:
        policies: names or words, as for make().
        rewards: [requests, options]; or [all options] with `first` [requests + 1], where each request begins.
        costs: [requests, options, resources], or as rewards where there is one resource: what is expected.
        budget: [resources], or a number.
        prices: [requests], instead of costs: auctions, one reward each, and the highest other bid.
        holds, actual_rewards, actual_costs: the most that each can use; what really came. As expected without them.
        context, time_s: [requests, features], [requests].
        horizon: as told to the policies; None: the number of requests; 0: not known.
        delay: requests between a decision and its outcome.
        goal: of auctions: "utility" or "value".
        bound: whether to compute the best in hindsight.

    The arrays are read where they are, and the interpreter lock is released; Ctrl-C ends the run.
    """
    if goal not in ("utility", "value"):
        raise InvalidArgument(f"goal: is {goal!r}; it must be 'utility' or 'value'")
    names = [policies] if isinstance(policies, str) else list(policies)
    count = (len(first) - 1 if first is not None else len(rewards)) if horizon is None else horizon
    answer = _native.replay(names, budget, count, delay, goal == "value", bound, rewards=rewards, costs=costs,
                            holds=holds, actual_rewards=actual_rewards, actual_costs=actual_costs, prices=prices,
                            context=context, time_s=time_s, first=first)
    return Replay(tuple(Run(**run) for run in answer["runs"]), answer["bound"])

