"""Budgets inside one job: which model, and how many samples, each stage of a fixed chain gets.

    search = ConfigSearch(stages, budget=900)
    while search.trials < 50:
        for configuration in search.propose(10):                # [("m7", 12), ("m70", 1)]
            search.report(configuration, score=evaluate(configuration), examples=50)
    recommend(search).configuration

docs/plan.md says what is for what; `bursar tts search` does the same with a script.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import _native
from ._native import ConfigSearch

__all__ = ["ConfigSearch", "Recommendation", "recommend"]


@dataclass(frozen=True)
class Recommendation:
    """What a search recommends.

    Attributes:
        configuration: (model, samples) of every stage.
        predicted: its score, by the posterior mean of the logarithm.
        interval: the middle 95 %.
        cost: in the unit of the budget.
        why: what the trials say, with the probability that it holds.
    """

    configuration: list[tuple[str, int]]
    predicted: float
    interval: tuple[float, float]
    cost: float
    why: list[tuple[str, float]]


def recommend(search: ConfigSearch) -> Recommendation:
    """The tried configuration with the largest posterior mean. Measure the leaders again before you rely on one.

    >>> stages = [{"name": "answer", "prompt_tokens": 128, "generation_tokens": 64,
    ...            "models": [{"name": "m3", "parameters": 3e9}, {"name": "m70", "parameters": 70e9}]}]
    >>> search = ConfigSearch(stages, budget=100)
    >>> for configuration in search.propose():
    ...     search.report(configuration, score=0.7 if configuration[0][0] == "m70" else 0.4)
    >>> recommend(search).configuration
    [('m70', 1)]
    """
    return Recommendation(**search.recommend())
