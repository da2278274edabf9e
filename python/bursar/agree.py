"""One point, or one split, for parties that each want another one, so that nobody gains by lying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from ._types import DoubleArray, Numbers, Tables

__all__ = ["AxiomFinding", "Guarantees", "check_axioms", "decide", "guarantees", "split"]


def decide(reports: Numbers, *, rule: str = "uniform-phantom", weights: Numbers | None = None, low: float = 0.0,
           high: float = 1.0) -> float:
    """One point in [low, high] for the parties' reports.

    Args:
        reports: [parties]; each inside of the interval.
        rule: "uniform-phantom" (strategyproof and proportional), "median", "ifs", "average", "midrange".
        weights: [parties] or None: 1 each.
        low, high: the interval.

    >>> decide([0.7, 0.4, 0.3, 0.2, 0.1])
    0.4
    """
    return _native.agree_decide(reports, rule, weights, low, high)


def split(proposals: Tables, *, weights: Numbers | None = None) -> DoubleArray:
    """Shares of m lines that sum to 1, from a whole split of each party: independent markets.

    Args:
        proposals: [parties, lines]; rows sum to 1.
        weights: [parties] or None: 1 each.

    >>> split([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).round(6)
    array([0.666667, 0.333333])
    """
    return _native.agree_markets(proposals, weights)


@dataclass(frozen=True, eq=False)
class Guarantees:
    """[parties]: how far the outcome is from each report, and how far each axiom lets it be."""

    distance: DoubleArray
    individual: DoubleArray
    unanimous: DoubleArray
    proportional: DoubleArray


def guarantees(reports: Numbers, outcome: float, *, weights: Numbers | None = None, low: float = 0.0,
               high: float = 1.0) -> Guarantees:
    """What an outcome owes to each party."""
    return Guarantees(**_native.agree_guarantees(reports, outcome, weights, low, high))


@dataclass(frozen=True)
class AxiomFinding:
    """One axiom: whether it applies and holds, by how much, the worst group, and a sentence."""

    axiom: str
    applies: bool
    holds: bool
    slack: float
    group: list[int]
    text: str


def check_axioms(reports: Numbers, outcome: float, *, weights: Numbers | None = None, low: float = 0.0,
                 high: float = 1.0) -> tuple[AxiomFinding, ...]:
    """The fairness axioms of an outcome, with counterexamples.

    >>> [finding.axiom for finding in check_axioms([0.0, 0.0, 1.0], 0.9) if not finding.holds][0]
    'individual fair share'
    """
    return tuple(AxiomFinding(**finding) for finding in _native.agree_axioms(reports, outcome, weights, low, high))
