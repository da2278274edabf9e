"""Answers of a model that was asked more than once: votes, which to submit, and where the next sample goes.

    for _ in range(budget):
        question = allocator.next()                             # OkgAllocator: where one more vote settles most
        allocator.observe(question, ask(question))

Also: thinking that ends within its budget (`fit_lengths`, `reweight`, `LineGuide`).

docs/sample.md says what is for what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

from . import _native
from ._native import LengthLaw, LengthTable, LineGuide, OkgAllocator, StreamPlan

if TYPE_CHECKING:
    from ._types import DoubleArray, Float32Array, Int64Array, Numbers

__all__ = ["Guided", "LengthLaw", "LengthTable", "LineGuide", "OkgAllocator", "Selection", "StreamPlan", "Vote",
           "canonical_answer", "fit_length_law", "fit_lengths", "fit_stream", "reweight", "select", "split_rollouts",
           "vote"]


def canonical_answer(text: str, *, exact: bool = False) -> str:
    """One form for one answer: numbers as reduced fractions, without boxes, dollars and units.

    >>> canonical_answer(r"so it is \\boxed{0.50}.")
    '1/2'
    """
    return _native.canonical_answer(text, exact)


@dataclass(frozen=True)
class Vote:
    """The answer that most samples gave: its share of all samples (or of all weight), and whether another one tied."""

    answer: str
    share: float
    tied: bool


def vote(answers: Sequence[str], *, weights: Numbers | None = None, exact: bool = False) -> Vote | None:
    """The majority of answers; None where nobody answered. Empty answers count, and are never chosen.

    >>> vote(["12", "12.0", "7", ""])
    Vote(answer='12', share=0.5, tied=False)
    """
    found = _native.sample_vote(list(answers), weights, exact)
    return None if found is None else Vote(**found)


@dataclass(frozen=True, eq=False)
class Selection:
    """The answers to submit, the best first, their shares of the samples, the threshold used, and how many reached it."""

    answers: list[str]
    shares: DoubleArray
    threshold: float
    survivors: int


def select(answers: Sequence[str], rewards: Numbers | None = None, *, k: int = 1, rule: str = "bom",
           threshold: float | None = None, exact: bool = False) -> Selection:
    """Which k of the answers seen to submit.

    Args:
        rewards: [answers], of a reward model; not needed by the rule "majority".
        rule: "bom" (the best rewarded of the frequent ones), "best-of-n", "soft-best-of-n", "majority".
        threshold: the least share of "bom"; None: max(2 / samples, .005).

    >>> select(["2", "2", "2", "9"], [0.5, 0.5, 0.5, 1.0], threshold=0.4).answers
    ['2']
    """
    return Selection(**_native.sample_select(list(answers), rewards, k, rule, threshold, exact))


def fit_stream(pools: Sequence[Sequence[int]], *, mean_budget: float = 16, warm_up: int = 4, most: int = 64,
               open_answers: bool = False) -> StreamPlan:
    """A plan for questions that come one by one, from about 30 whose samples were recorded.

    Args:
        pools: the options that the samples of each training question chose, numbered from 0.
        mean_budget: samples a question, on average.
        warm_up: first answers that are looked at.
        most: samples of one question.
        open_answers: only whether the first answers are unanimous counts.
    """
    return _native.sample_fit_stream(pools, mean_budget, warm_up, most, open_answers)


def split_rollouts(scores: Numbers, rollouts: int, *, embeddings: Float32Array | None = None, policy: str = "dora",
                   quality_temperature: float = 0.1, similarity_temperature: float = 0.01) -> Int64Array:
    """How many rollouts each live candidate of a search gets next; their sum is `rollouts`.

    Args:
        scores: [candidates], of a process reward model, from 0 to 1.
        embeddings: [candidates, dimensions] of float32, for "dora" and "direction-bayes".
        policy: "dora", "rebase", "uniform", "beam", "dvts", "direction-bayes".

    >>> import numpy as np
    >>> split_rollouts([0.9, 0.9, 0.9], 8, embeddings=np.array([[1, 0], [1, 0], [0, 1]], np.float32))
    array([2, 2, 4])
    """
    return _native.sample_rollouts(scores, rollouts, embeddings, policy, quality_temperature, similarity_temperature)


def fit_length_law(lengths: Numbers) -> LengthLaw:
    """The law of remaining lengths, in tokens, by maximum likelihood.

    >>> law = fit_length_law([90.0, 120.0, 75.0, 140.0])
    >>> round(law.cdf(100), 2), round(law.mode_tokens)
    (0.45, 102)
    """
    return _native.fit_length_law(lengths)


def fit_lengths(traces: Sequence[Sequence[tuple[str, int]]], *, min_samples: int = 30,
                max_distance: float = 0.15) -> LengthTable:
    """Laws of what is left of the thinking, by line and by what the line begins with.

    Args:
        traces: thinking that ended by itself; of each its lines, as (text, tokens).
        min_samples: of a law.
        max_distance: Kolmogorov-Smirnov; a law that is further from its samples is dropped.
    """
    return _native.fit_lengths([[(text, tokens) for text, tokens in trace] for trace in traces], min_samples,
                               max_distance)


@dataclass(frozen=True, eq=False)
class Guided:
    """[candidates]: guided probabilities and the chances to end in time; whether none could, and the fallback chose."""

    probs: DoubleArray
    finish: DoubleArray
    fell_back: bool


def reweight(laws: Sequence[LengthLaw | None], remaining: int, probs: Numbers, *, published: bool = False) -> Guided:
    """Weights the next tokens, at a line's start, by the chance that the thinking then ends within `remaining` tokens.

    Args:
        laws: of what is left after each candidate; None: nothing is known, and it is left alone.
        probs: [candidates], of the model, without temperature.
        published: with the mask and the fallback of the published code.

    >>> reweight([LengthLaw(60, 10), LengthLaw(30, 10)], 100, [0.9, 0.1]).probs.round(2)
    array([0.2, 0.8])
    """
    return Guided(**_native.sample_reweight(list(laws), remaining, probs, published))
