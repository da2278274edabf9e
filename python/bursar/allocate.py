"""Who gets how much of a fixed budget, when all items are known.

| you have | call |
| --- | --- |
| items that each take one of several options, one budget or several | `choose` |
| items that are in or out, or several copies of each | `knapsack` |
| amounts with diminishing returns along known curves | `water_filling`, whole ones `water_filling_units` |
| a table of what each further unit gains (rollouts, samples, votes) | `split_units` |
| pilot measurements instead of curves | `fit_response`, then `plan_responses` |
| weights, and whole units to divide by them | `apportion` |
| prompts of different length and spread | `neyman_split` |
| credits of sub-questions, and a total of tokens | `split_tokens` |
| directions of a parallel search | `split_over_directions` |
| pairs of a matrix under caps per row, column and in all | `sparse_match` |

Arrays are read where they are: float64 (uint32 for positions, int64 for counts, bool for flags), contiguous in C
order. Any other array is refused with a message that says how to convert it, since a conversion would copy it unseen;
lists are converted. Everything maximises unless `minimise` says otherwise, and says beside its answer how far from the
best it can be: `value <= best <= bound`. `stop` is "optimal", "within_gap", "limit" or "cancelled" (the time limit);
value and bound stand in every case. Long calls release the interpreter lock: do not write to the arrays meanwhile.
Ctrl-C ends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Sequence

from . import _native
from ._native import ResponseFit

if TYPE_CHECKING:
    from ._types import DoubleArray, Flags, Float32Array, Int64Array, Integers, Numbers, Positions, Tables, UInt32Array

__all__ = ["Choice", "Knapsack", "Matching", "NeymanPlan", "ResponseFit", "ResponsePlan", "UnitSplit", "WaterFilling",
           "apportion", "choose", "fit_response", "knapsack", "neyman_split", "plan_responses", "round_cumulatively",
           "sparse_match", "split_over_directions", "split_tokens", "split_units", "water_filling",
           "water_filling_units"]


@dataclass(frozen=True, eq=False)
class Choice:
    """Which option every item takes.

    Attributes:
        choice: [items], the position of the option within its item.
        value: the sum over the options taken; a loss where the problem minimises.
        cost: [resources].
        bound: no answer is better: >= value, or <= value where the problem minimises.
        gap: |bound - value|, relative.
        price: [resources], what one more unit of the budget is worth.
        stop: why the search ended.
        method: the one that was used.
        group_cost, group_price: [groups], or None without groups.
    """

    choice: UInt32Array
    value: float
    cost: DoubleArray
    bound: float
    gap: float
    price: DoubleArray
    stop: str
    method: str
    group_cost: DoubleArray | None
    group_price: DoubleArray | None


def choose(value: Tables, cost: Tables, budget: float | Numbers, *, first: Integers | None = None,
           forbidden: Flags | None = None, group: Positions | None = None, caps: Numbers | None = None,
           minimise: bool = False, sense: str = "at_most", method: str = "auto", gap: float = 1e-9,
           max_states: int = 1 << 26, max_cells: int = 1 << 28, max_nodes: int = 2_000_000,
           time_limit_s: float | None = None) -> Choice:
    """Every item takes exactly one of its options; the costs share the budget; the values add up.

    Args:
        value: [items, options]; or [options] with `first`, where items differ in their number of options.
        cost: as `value`; with several resources [resources, …as value].
        budget: a number, or one number a resource.
        first: [items + 1], where each item begins in a one-dimensional `value`.
        forbidden: as `value`; true: must not be taken.
        group, caps: [items], and [groups]: no group of items may cost more than its cap (one resource).
        minimise: values are losses. They are negated in a copy.
        sense: "at_most", "exactly" or "largest_reachable" (integer costs, one resource, no groups).
        method: "auto", "program", "core", "lagrangian", "resources" or "groups".
        gap: good enough: relative difference of value and bound; 0 asks for the optimum.
        max_states, max_cells, max_nodes: limits of the core search, the exact program, and the search
            under several resources.
        time_limit_s: seconds after which the best answer so far is returned.

    Raises:
        InvalidArgument: a number that is not finite (naming item and option), arrays that do not fit together.
        Infeasible: no choice meets the budget; by how much, and the items that need most.

    >>> best = choose([[0, 5], [0, 9]], [[0, 2], [0, 6]], 6)
    >>> best.choice, best.value, best.bound
    (array([0, 1], dtype=uint32), 9.0, 9.0)
    """
    limits = _native.ChoiceLimits(gap, max_states, max_cells, max_nodes, time_limit_s)
    return Choice(**_native.choose(limits, value=value, cost=cost, budget=budget, first=first, forbidden=forbidden,
                                   group=group, caps=caps, minimise=minimise, sense=sense, method=method))


@dataclass(frozen=True, eq=False)
class Knapsack:
    """Which items are taken: `take` [items] is how many copies of each; the rest as in `Choice`."""

    take: Int64Array
    value: float
    cost: float
    bound: float
    gap: float
    price: float
    stop: str


def knapsack(value: Numbers, cost: Numbers, budget: float, *, copies: Integers | None = None, gap: float = 1e-9,
             max_states: int = 1 << 26, max_cells: int = 1 << 28, time_limit_s: float | None = None) -> Knapsack:
    """Which items to take, or how many of each (`copies` [items], 1 without it), within one budget.

    >>> knapsack([10, 7, 12], [3, 2, 4], 5).take
    array([1, 1, 0])
    """
    limits = _native.ChoiceLimits(gap, max_states, max_cells, 0, time_limit_s)
    return Knapsack(**_native.knapsack(value, cost, budget, copies, limits))


def apportion(weights: Numbers, total: int, *, floors: Integers | None = None,
              ceilings: Integers | None = None) -> Int64Array:
    """Divides `total` whole units in proportion to `weights`, without losing or inventing one.

    Largest remainder: every item gets its quota rounded down or up, within its floor and ceiling; ties go to the lower
    index, and weights that are all 0 count as equal.

    >>> apportion([41.0, 33.0, 26.0], 10)
    array([4, 3, 3])
    """
    return _native.apportion(weights, total, floors, ceilings)


def round_cumulatively(values: Numbers) -> Int64Array:
    """Rounds so that every prefix sum is within 1/2 of the true one, half up.

    >>> round_cumulatively([0.5, 0.5, 0.5, 0.5])
    array([1, 0, 1, 0])
    """
    return _native.round_cumulatively(values)


@dataclass(frozen=True, eq=False)
class WaterFilling:
    """A divisible budget over concave curves.

    Attributes:
        amounts: [items].
        value: of all curves together.
        spent: of the budget.
        bound: no split is worth more.
        price: what one more unit of the budget is worth.
    """

    amounts: DoubleArray
    value: float
    spent: float
    bound: float
    price: float


def _curves(family: str | Sequence[str], weight: Numbers, shape: Numbers, floors: Any, ceilings: Any,
            costs: Any) -> dict[str, Any]:
    return {"family": [family] if isinstance(family, str) else list(family), "weight": weight, "shape": shape,
            "floors": floors, "ceilings": ceilings, "costs": costs}


def water_filling(family: str | Sequence[str], weight: Numbers, shape: Numbers, budget: float, *,
                  floors: Numbers | None = None, ceilings: Numbers | None = None,
                  costs: Numbers | None = None) -> WaterFilling:
    """Splits a budget over concave curves so that one more unit is worth the same everywhere.

    Args:
        family: of all curves, or one an item: "power" -weight x^-shape, "log" weight log(1 + x / shape), "saturating"
            weight (1 - exp(-x / shape)).
        weight, shape: [items].
        floors, ceilings: [items], bounds of the amounts.
        costs: [items], budget per unit of amount; 1 without it.

    >>> water_filling("power", [5, 20, 60], [0.5, 1, 2], 300).amounts.round(2)
    array([141.06, 115.77,  43.16])
    """
    return WaterFilling(**_native.water_filling(_curves(family, weight, shape, floors, ceilings, costs), budget))


@dataclass(frozen=True, eq=False)
class UnitSplit:
    """Whole units for items.

    Attributes:
        units: [items].
        spent, gained: sums over the items; what was gained above the floors.
        bound: no split gains more.
        next_gain: what one more unit would have gained.
        grows: (item, unit) of the first gain that was seen to grow, or None.
        stop: why the search ended.
    """

    units: Int64Array
    spent: int
    gained: float
    bound: float
    next_gain: float
    grows: tuple[int, int] | None
    stop: str


def water_filling_units(family: str | Sequence[str], weight: Numbers, shape: Numbers, budget: int, *,
                        floors: Numbers | None = None, ceilings: Numbers | None = None) -> UnitSplit:
    """water_filling() in whole units: optimal among whole splits.

    >>> water_filling_units("power", [5, 20, 60], [0.5, 1, 2], 300).units
    array([141, 116,  43])
    """
    return UnitSplit(**_native.water_filling_units(_curves(family, weight, shape, floors, ceilings, None), budget))


def split_units(gains: Tables, budget: int, *, floors: Integers | None = None, ceilings: Integers | None = None,
                when_gains_grow: str = "exact", look_ahead: bool = False) -> UnitSplit:
    """Gives each unit to the item that gains most from it; optimal where gains shrink.

    Args:
        gains: [items, most]: column n is what the (n+1)-th unit of the item gains.
        budget: units, all items together.
        floors, ceilings: [items]; without them 0 and the number of columns.
        when_gains_grow: "exact" (the exact program), "hull" (fast, with a bound) or "report".
        look_ahead: also check the gains that would never be asked for.

    >>> split_units([[4.0, 3.0, 2.0], [5.0, 1.0, 0.0]], 3).units
    array([2, 1])
    """
    return UnitSplit(**_native.split_units(gains, budget, floors, ceilings, when_gains_grow, look_ahead))


def fit_response(units: Numbers, value: Numbers, *, error: Numbers | None = None, family: str = "best") -> ResponseFit:
    """A response curve from pilots.

    "power" is level - gain x^-shape, "saturating" level + gain (1 - exp(-x / shape)).

    Args:
        units, value: [observations]; at least 3 distinct units.
        error: [observations], standard errors, where they are known.
        family: "power", "saturating", or "best": that of the smaller residual.
    """
    return _native.fit_response(units, value, error, family)


@dataclass(frozen=True, eq=False)
class ResponsePlan:
    """A budget split under fitted curves.

    Attributes:
        amounts: [items].
        low, high: [items], interval of the amount over draws of the curves.
        value, error: predicted total and its standard error.
        spent, price, bound: as in WaterFilling.
        regret: what better knowledge of the curves would be worth, on average.
    """

    amounts: DoubleArray
    low: DoubleArray
    high: DoubleArray
    value: float
    error: float
    spent: float
    price: float
    bound: float
    regret: float


def plan_responses(fits: Sequence[ResponseFit], budget: float, *, floors: Numbers | None = None,
                   ceilings: Numbers | None = None, costs: Numbers | None = None, draws: int = 200,
                   coverage: float = 0.9, seed: int = 0) -> ResponsePlan:
    """Splits a budget over fitted curves, and says how sure the split is.

    >>> web = fit_response([100, 400, 1600], [0.61, 0.70, 0.74])
    >>> expert = fit_response([50, 200, 800], [0.66, 0.78, 0.83])
    >>> plan = plan_responses([web, expert], 10_000, floors=[50, 50], costs=[1, 5])
    >>> float((plan.amounts * [1, 5]).sum().round(6))
    10000.0
    """
    bounds = {"floors": floors, "ceilings": ceilings, "costs": costs}
    return ResponsePlan(**_native.plan_responses(list(fits), budget, bounds, draws, coverage, seed))


@dataclass(frozen=True, eq=False)
class NeymanPlan:
    """Rollouts [items]; `variance` is sum spread^2 / rollouts, and no split has less than `variance_bound`."""

    rollouts: Int64Array
    spent: float
    variance: float
    variance_bound: float
    saturated: bool


def neyman_split(spread: Numbers, cost: Numbers, budget: float, *, least: int = 2, most: int = 32) -> NeymanPlan:
    """Rollouts for prompts that differ in length and in how much their rollouts disagree.

    >>> neyman_split([1, 2, 1], [100, 100, 400], 2000, least=1).rollouts
    array([4, 8, 2])
    """
    return NeymanPlan(**_native.neyman_split(spread, cost, budget, least, most))


def split_tokens(credits: Numbers, total: int, *, decay: str = "linear", power: float = 2.0, base: float = 0.9,
                 floor: float = 0.1) -> Int64Array:
    """Tokens for the sub-questions of a plan: credit by difficulty, times a weight that decays along the plan.

    `decay` is "constant", "linear", "polynomial" (`power`), "exponential" (`base`) or "cosine" (`floor`).

    >>> split_tokens([20, 80], 200)
    array([ 66, 134])
    """
    return _native.split_tokens(credits, total, decay, power, base, floor)


def split_over_directions(scores: Numbers, similarity: Tables, rollouts: int, *, quality_temperature: float = 0.1,
                          similarity_temperature: float = 0.01) -> Int64Array:
    """Rollouts for candidates of a search: a direction is not paid twice for having been sampled often.

    Args:
        scores: [candidates], in [0, 1].
        similarity: [candidates, candidates], cosines.
    """
    return _native.split_over_directions(scores, similarity, rollouts, quality_temperature, similarity_temperature)


@dataclass(frozen=True, eq=False)
class Matching:
    """Active pairs: (i, column[m]) for first[i] <= m < first[i + 1]; `threshold` is the least affinity taken."""

    first: Int64Array
    column: UInt32Array
    value: float
    bound: float
    threshold: float
    stop: str


def sparse_match(affinity: Float32Array, *, total: int | None = None, per_row: int | None = None,
                 per_column: int | None = None, row_caps: Integers | None = None, column_caps: Integers | None = None,
                 allow_negative: bool = False) -> Matching:
    """The best pairs of an affinity matrix (float32 [rows, columns]) under caps in all, per row and per column.

    >>> sparse_match([[3.0, 1.0], [2.0, 2.5]], per_column=1).column
    array([0, 1], dtype=uint32)
    """
    caps = [-1 if cap is None else cap for cap in (total, per_row, per_column)]
    return Matching(**_native.sparse_match(affinity, caps[0], caps[1], caps[2], row_caps, column_caps, allow_negative))
